-- Extends a lease. ARGV: batch, owner, lease (ms)
-- Returns 1, or 0 if the batch is not this owner's any more.
if redis.call('HGET', job .. ':owner', ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('ZADD', job .. ':leased', 'XX', now() + ARGV[3], ARGV[1])
return 1
