-- Writes a batch's result, once: the first to arrive wins, whether or not its lease ran out meanwhile, since every
-- worker's result for a batch is the same. Result, counters, payload and wake-up change together or not at all.
-- ARGV: batch, result, the timeline's part of it: scored, rejected, work (JSON); then pairs of counter and number
-- Returns 1, or 0 if the result was there already (or nobody wants it any more).
if not running() then return 0 end
local batch = ARGV[1]
redis.call('UNLINK', job .. ':payload:' .. batch)  -- before it stores: a server out of memory then lets it
if redis.call('SETBIT', job .. ':done', batch, 1) == 1 then
  redis.call('HINCRBY', job, 'duplicates', 1)
  return 0
end
redis.call('SET', job .. ':result:' .. batch, ARGV[2])
if redis.call('ZREM', job .. ':leased', batch) == 0 then redis.call('ZREM', job .. ':queued', batch) end
redis.call('HDEL', job .. ':owner', batch)
redis.call('HDEL', job .. ':attempts', batch)
redis.call('HINCRBY', job, 'done', 1)
redis.call('RPUSH', job .. ':timeline', table.concat({now(), batch, ARGV[3], ARGV[4], ARGV[5]}, ' '))
count(6)
wake(batch)
settle()
return 1
