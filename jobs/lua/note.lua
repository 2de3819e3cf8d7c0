-- Notes fields in the job's hash. ARGV: incarnation, then pairs of field and value
-- Returns 1, or 0 if the job is not there (any more).
if not ours() then return 0 end
redis.call('HSET', job, unpack(ARGV, 2))
return 1
