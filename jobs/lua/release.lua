-- Gives a lease back at once, to be sent again. ARGV: incarnation, batch, owner, why (one line), attempts it shall count
-- as at least
-- Returns 1, or 0 if the batch is not this owner's any more.
if not ours() or redis.call('HGET', job .. ':owner', ARGV[2]) ~= ARGV[3] then return 0 end
redis.call('ZREM', job .. ':leased', ARGV[2])
redis.call('HDEL', job .. ':owner', ARGV[2])
redis.call('ZADD', job .. ':queued', 0, ARGV[2])
redis.call('HSET', job, 'last_error', ARGV[4])
local attempts = tonumber(redis.call('HGET', job .. ':attempts', ARGV[2]))
if attempts < tonumber(ARGV[5]) then redis.call('HSET', job .. ':attempts', ARGV[2], ARGV[5]) end
return 1
