-- Gives a batch to one worker for a while. ARGV: batch, owner, lease (ms), attempts allowed
-- Returns the verdict: 'leased'; 'done', 'busy' (another worker's lease is good) or 'gone' (the job is not running):
-- nothing to do; 'exhausted' (it was given away as often as allowed). And how often it was given away, this time included.
-- An owner scores one batch at a time: if it asks for the one it has, the answer was lost, and is given again.
local batch, time = ARGV[1], now()
local field = redis.call('HMGET', job, 'state', 'started')
if field[1] ~= 'running' then return {'gone', 0} end
if redis.call('GETBIT', job .. ':done', batch) == 1 then
  redis.call('HINCRBY', job, 'redelivered', 1)
  return {'done', 0}
end
local attempts = tonumber(redis.call('HGET', job .. ':attempts', batch) or 0)
local deadline = attempts > 0 and redis.call('ZSCORE', job .. ':leased', batch)
if deadline and tonumber(deadline) > time then
  if redis.call('HGET', job .. ':owner', batch) == ARGV[2] then
    redis.call('ZADD', job .. ':leased', time + ARGV[3], batch)
    return {'leased', attempts}
  end
  redis.call('HINCRBY', job, 'redelivered', 1)
  return {'busy', 0}
end
if attempts >= tonumber(ARGV[4]) then return {'exhausted', attempts} end
redis.call('HSET', job .. ':attempts', batch, attempts + 1)
redis.call('HINCRBY', job, 'attempts', 1)
if not field[2] then redis.call('HSET', job, 'started', time) end
redis.call('ZREM', job .. ':queued', batch)
redis.call('ZADD', job .. ':leased', time + ARGV[3], batch)
redis.call('HSET', job .. ':owner', batch, ARGV[2])
return {'leased', attempts + 1}
