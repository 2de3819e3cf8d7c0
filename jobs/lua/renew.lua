-- Extends a lease. ARGV: incarnation, batch, owner, lease (ms)
-- Returns 1, or 0 if the batch is not this owner's any more.
if not ours() or redis.call('HGET', job .. ':owner', ARGV[2]) ~= ARGV[3] then return 0 end
redis.call('ZADD', job .. ':leased', 'XX', now() + ARGV[4], ARGV[2])
return 1
