-- Gives a batch to one worker for a while. ARGV: batch, owner, lease (ms), attempts allowed
-- Returns the verdict: 'leased'; 'done', 'busy' (another worker's lease is good) or 'gone' (the job is not running):
-- nothing to do; 'exhausted' (it was given away as often as allowed). And how often it was given away, this time included.
-- An owner scores one batch at a time: if it asks for the one it has, the answer was lost, and is given again.
if not running() then return {'gone', 0} end
local batch = ARGV[1]
if redis.call('GETBIT', job .. ':done', batch) == 1 then
  redis.call('HINCRBY', job, 'redelivered', 1)
  return {'done', 0}
end
local attempts = tonumber(redis.call('HGET', job .. ':attempts', batch) or 0)
local deadline = redis.call('ZSCORE', job .. ':leased', batch)
if deadline and tonumber(deadline) > now() then
  if redis.call('HGET', job .. ':owner', batch) == ARGV[2] then
    redis.call('ZADD', job .. ':leased', now() + ARGV[3], batch)
    return {'leased', attempts}
  end
  redis.call('HINCRBY', job, 'redelivered', 1)
  return {'busy', 0}
end
if attempts >= tonumber(ARGV[4]) then return {'exhausted', attempts} end
redis.call('HINCRBY', job .. ':attempts', batch, 1)
redis.call('HINCRBY', job, 'attempts', 1)
redis.call('HSETNX', job, 'started', now())
redis.call('ZREM', job .. ':queued', batch)
redis.call('ZADD', job .. ':leased', now() + ARGV[3], batch)
redis.call('HSET', job .. ':owner', batch, ARGV[2])
return {'leased', attempts + 1}
