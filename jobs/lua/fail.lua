-- Ends a running job. ARGV: state ('failed' or 'cancelled'), reason (one line)
-- Returns 1 if this call ended it.
if not running() then return 0 end
finish(ARGV[1], ARGV[2])
return 1
