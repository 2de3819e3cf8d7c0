-- Writes a batch's payload and its entry in the ledger, in one step and once; its Celery message follows.
-- ARGV: batch, payload, kept, the next batch's cursor (JSON), then pairs of counter and number
-- Returns the number of batches enqueued: one more than `batch` if this call or an earlier one wrote it; -1 if the job
-- is not running or its input was read to the end.
if not running() or redis.call('HGET', job, 'sealed') == '1' then return -1 end
local batches = tonumber(redis.call('HGET', job, 'batches'))
if tonumber(ARGV[1]) ~= batches then return batches end
redis.call('SET', job .. ':payload:' .. ARGV[1], ARGV[2])
redis.call('SET', job .. ':kept:' .. ARGV[1], ARGV[3])
redis.call('ZADD', job .. ':queued', now(), ARGV[1])
redis.call('HSET', job, 'cursor', ARGV[4])
count(5)
return redis.call('HINCRBY', job, 'batches', 1)
