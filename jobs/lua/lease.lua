-- Gives a batch to one worker for a while. ARGV: incarnation, batch, owner, lease (ms), attempts allowed
-- Returns the verdict: 'leased'; 'done', 'busy' (another worker's lease is good), 'gone' (the job is not running or
-- is another's life, or has no such batch) or 'newer' (of a format that is not known here): nothing to do; 'exhausted'
-- (it was given away as often as allowed). Then how often it was given away, this time included, and the job's row
-- class ('' if none is noted).
-- An owner scores one batch at a time: if it asks for the one it has, the answer was lost, and is given again.
local batch, time = ARGV[2], now()
local field = redis.call('HMGET', job, 'state', 'started', 'format', 'row_class')
if field[1] and newer(field[3]) then return {'newer', 0, ''} end
if not running() or not entered(batch) then return {'gone', 0, ''} end
if redis.call('GETBIT', job .. ':done', batch) == 1 then
  if redis.call('ZSCORE', job .. ':queued', batch) or redis.call('ZSCORE', job .. ':leased', batch) then
    damaged('batch ' .. batch .. ' is done and is not')
    return {'gone', 0, ''}
  end
  redis.call('HINCRBY', job, 'redelivered', 1)
  return {'done', 0, ''}
end
local attempts = tonumber(redis.call('HGET', job .. ':attempts', batch) or 0)
local deadline = attempts > 0 and redis.call('ZSCORE', job .. ':leased', batch)
if deadline and tonumber(deadline) > time then
  if redis.call('HGET', job .. ':owner', batch) == ARGV[3] then
    redis.call('ZADD', job .. ':leased', time + ARGV[4], batch)
    return {'leased', attempts, field[4] or ''}
  end
  redis.call('HINCRBY', job, 'redelivered', 1)
  return {'busy', 0, ''}
end
if attempts >= tonumber(ARGV[5]) then return {'exhausted', attempts, ''} end
redis.call('HSET', job .. ':attempts', batch, attempts + 1)
redis.call('HINCRBY', job, 'attempts', 1)
if not field[2] then redis.call('HSET', job, 'started', time) end
redis.call('ZREM', job .. ':queued', batch)
redis.call('ZADD', job .. ':leased', time + ARGV[4], batch)
redis.call('HSET', job .. ':owner', batch, ARGV[3])
return {'leased', attempts + 1, field[4] or ''}
