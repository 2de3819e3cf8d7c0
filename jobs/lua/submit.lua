-- Makes the job unless it is there; one that failed, was cancelled or stopped must have been erased before.
-- ARGV: incarnation, the job's record (JSON), the cursor of the first batch (JSON), the job's id, the record's format,
-- the queue of its messages, if it has one of its own
-- Returns the job's state: 'running' for a new one.
local state = redis.call('HGET', job, 'state')
if state then return state end
redis.call('HSET', job, 'record', ARGV[2], 'cursor', ARGV[3], 'state', 'running', 'created', now(), 'sealed', 0,
  'batches', 0, 'done', 0, 'records', 0, 'read_rejects', 0, 'scored', 0, 'score_rejects', 0,
  'attempts', 0, 'redelivered', 0, 'duplicates', 0, 'collected', 0, 'incarnation', incarnation, 'format', ARGV[5])
if ARGV[6] ~= '' then
  redis.call('HSET', job, 'queue', ARGV[6])
  redis.call('SADD', shared .. 'queues', ARGV[6])
end
redis.call('ZADD', shared .. 'jobs', now(), ARGV[4])
redis.call('SADD', shared .. 'active', name())
return 'running'
