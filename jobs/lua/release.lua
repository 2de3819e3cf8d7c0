-- Gives a lease back at once, to be sent again. ARGV: batch, owner, why (one line)
if redis.call('HGET', job .. ':owner', ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('ZREM', job .. ':leased', ARGV[1])
redis.call('HDEL', job .. ':owner', ARGV[1])
redis.call('ZADD', job .. ':queued', 0, ARGV[1])
redis.call('HSET', job, 'last_error', ARGV[3])
return 1
