-- Notes fields in the job's hash. ARGV: pairs of field and value
-- Returns 1, or 0 if the job is not there (any more).
if redis.call('EXISTS', job) == 0 then return 0 end
redis.call('HSET', job, unpack(ARGV))
return 1
