-- Ends a running job. ARGV: incarnation, state ('failed', 'cancelled' or 'stopped'), reason (one line), then pairs of
-- field and value, which are noted with it
-- Returns 1 if this call ended it.
if not running() then return 0 end
if #ARGV > 3 then redis.call('HSET', job, unpack(ARGV, 4)) end
finish(ARGV[2], ARGV[3])
return 1
