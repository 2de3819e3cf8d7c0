-- Fixes how the job's model treats rows, once, so that all its workers do the same. ARGV: incarnation, a worker's finding
-- Returns what is noted: the first finding; '' if the job is not running.
if not running() then return '' end
redis.call('HSETNX', job, 'row_class', ARGV[2])
return redis.call('HGET', job, 'row_class')
