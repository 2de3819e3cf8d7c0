-- Ends a running job. ARGV: incarnation, state ('failed' or 'cancelled'), reason (one line)
-- Returns 1 if this call ended it.
if not running() then return 0 end
finish(ARGV[2], ARGV[3])
return 1
