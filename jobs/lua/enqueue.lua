-- Enters a batch in the ledger, once; its payload and what is kept of it were written in the same MULTI, since a value
-- of megabytes costs the server five times as much on its way through Lua. Its message goes to the workers.
-- KEYS[2]: the queue. ARGV: batch, the next batch's cursor (JSON), message, then pairs of counter and number
-- Returns the number of batches enqueued: one more than `batch` if this call or an earlier one entered it; -1 if the job
-- is not running or its input was read to the end. What was written for a batch that wants it no more is freed.
local batch = ARGV[1]
local field = redis.call('HMGET', job, 'state', 'sealed', 'batches', 'collected')
local running = field[1] == 'running'
local open = running and field[2] ~= '1'
local batches = tonumber(field[3] or 0)
if open and tonumber(batch) == batches then
  redis.call('ZADD', job .. ':queued', now(), batch)
  redis.call('HSET', job, 'cursor', ARGV[2], 'batches', batches + 1)
  count(4)
  redis.call('LPUSH', KEYS[2], ARGV[3])
  return batches + 1
end
if not running or tonumber(batch) >= batches or redis.call('GETBIT', job .. ':done', batch) == 1 then
  redis.call('UNLINK', job .. ':payload:' .. batch)
end
if tonumber(batch) >= batches or tonumber(batch) < tonumber(field[4] or 0) then
  redis.call('UNLINK', job .. ':kept:' .. batch)
end
if not open then return -1 end
return batches
