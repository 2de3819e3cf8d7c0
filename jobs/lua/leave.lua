-- Gives a lease back that could not be used where it was given: it does not count as an attempt, and the batch is sent
-- again in a while, to whoever takes it then. ARGV: incarnation, batch, owner, why (one line)
-- Returns 1, or 0 if the batch is not this owner's any more.
local batch = ARGV[2]
if not running() or redis.call('HGET', job .. ':owner', batch) ~= ARGV[3] then return 0 end
redis.call('ZREM', job .. ':leased', batch)
redis.call('HDEL', job .. ':owner', batch)
redis.call('ZADD', job .. ':queued', now(), batch)
redis.call('HINCRBY', job .. ':attempts', batch, -1)
redis.call('HINCRBY', job, 'attempts', -1)
redis.call('HSET', job, 'left', ARGV[4])
return 1
