-- Gives a lease back at once, to be sent again. ARGV: batch, owner, why (one line), attempts it shall count as at least
if redis.call('HGET', job .. ':owner', ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('ZREM', job .. ':leased', ARGV[1])
redis.call('HDEL', job .. ':owner', ARGV[1])
redis.call('ZADD', job .. ':queued', 0, ARGV[1])
redis.call('HSET', job, 'last_error', ARGV[3])
local attempts = tonumber(redis.call('HGET', job .. ':attempts', ARGV[1]) or 0)
if attempts < tonumber(ARGV[4]) then redis.call('HSET', job .. ':attempts', ARGV[1], ARGV[4]) end
return 1
