-- The input was read to its end: no batch will follow. ARGV: incarnation, the number of batches that the caller has
-- seen enqueued
-- Returns 1, or 0 if another producer enqueued more.
if not running() then return 1 end
if redis.call('HGET', job, 'batches') ~= ARGV[2] then return 0 end
redis.call('HSET', job, 'sealed', 1)
settle()
return 1
