-- Enters a batch in the ledger, once; its payload and what is kept of it were written in the same MULTI, since a value
-- of megabytes costs the server five times as much on its way through Lua. Its message goes to the workers.
-- KEYS[2]: the queue. ARGV: incarnation, batch, the next batch's cursor (JSON), first record, records, rejected by the
-- reader, digests of payload and kept, then pairs of counter and number
-- Returns the number of batches enqueued: one more than `batch` if this call or an earlier one entered it; -1 if the job
-- is not running or its input was read to the end. What was written for a batch that wants it no more is freed.
local batch = ARGV[2]
if not ours() then
  redis.call('UNLINK', own .. ':payload:' .. batch, own .. ':kept:' .. batch)
  return -1
end
local field = redis.call('HMGET', job, 'state', 'sealed', 'batches', 'collected', 'records')
local alive = field[1] == 'running'
local open = alive and field[2] ~= '1'
local batches = tonumber(field[3])
if open and tonumber(batch) == batches then
  if tonumber(ARGV[4]) == tonumber(field[5]) + 1 then
    redis.call('ZADD', job .. ':queued', now(), batch)
    redis.call('HSET', job, 'cursor', ARGV[3], 'batches', batches + 1)
    redis.call('HSET', job .. ':sent', batch, table.concat({ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8]}, ' '))
    redis.call('HINCRBY', job, 'records', ARGV[5])
    redis.call('HINCRBY', job, 'read_rejects', ARGV[6])
    count(9)
    send('LPUSH', batch)
    return batches + 1
  end
  open = false
  damaged('batch ' .. batch .. ' begins with record ' .. ARGV[4] .. ', and ' .. field[5] .. ' were read before')
end
if not alive or tonumber(batch) >= batches or redis.call('GETBIT', job .. ':done', batch) == 1 then
  redis.call('UNLINK', own .. ':payload:' .. batch)
end
if tonumber(batch) >= batches or tonumber(batch) < tonumber(field[4]) then
  redis.call('UNLINK', own .. ':kept:' .. batch)
end
if not open then return -1 end
return batches
