-- Stands before every script of the ledger but `hold`. KEYS[1] is the job's hash, nightshift:job:<id>; ARGV[1] the
-- incarnation that the caller means ('' for a job of format 1). The job's other keys are the hash's name and a suffix:
--   :queued    sorted set  batch -> when its message was sent (ms of the server's clock; 0: still to be sent)
--   :leased    sorted set  batch -> when its lease runs out (ms of the server's clock)
--   :owner     hash        batch -> token of the worker that holds its lease
--   :attempts  hash        batch -> leases it was given so far
--   :done      bitmap      1 where the batch's result is written
--   :sent      hash        batch -> first record, records, rejected by the reader, digests of payload and kept
--   :answered  hash        batch -> scored, rejected by the worker, digest of the result
--   :written   hash        batch, or 'header' -> size and digest of its lines in the scores file and the rejects file
--   :timeline  list        an entry a batch, as it was done (jobs/timeline.py)
--   :followed  string      there while somebody follows the job
--   :events    stream      a wake-up for followers, one entry a completion; trimmed, never the truth
-- What is written without a script, or may be too large for one, has the incarnation in its name:
--   <hash>:<incarnation>:payload:<batch>  :kept:<batch>  :result:<batch>   Arrow IPC streams (jobs/batch.py)
--   <hash>:<incarnation>:producer  :collector   locks
-- Time is the server's alone: hosts whose clocks differ agree on every lease.

local FORMAT = 6
local job, incarnation = KEYS[1], ARGV[1]
local own = incarnation == '' and job or job .. ':' .. incarnation
local shared = incarnation == '' and 'nightshift:' or 'nightshift:2:'

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function newer(format)
  return format and tonumber(format) > FORMAT
end

-- Whether the job is there, is the one that the caller means, and of a format that is known here.
local function ours()
  local field = redis.call('HMGET', job, 'state', 'incarnation', 'format')
  return field[1] and (field[2] or '') == incarnation and not newer(field[3])
end

local function running()
  return ours() and redis.call('HGET', job, 'state') == 'running'
end

-- Whether the ledger knows the batch. A disk, or a server that took over, may have lost an `enqueue` whose message
-- survived: whoever comes with it is turned away, and the producer enters the batch again.
local function entered(batch)
  return tonumber(batch) < (tonumber(redis.call('HGET', job, 'batches')) or 0)
end

local function wake(event)
  redis.call('XADD', job .. ':events', 'MAXLEN', '~', 1000, '*', 'event', event)
end

-- Counts pairs of name and number into the job's hash, from ARGV[first] on.
local function count(first)
  for i = first, #ARGV, 2 do
    redis.call('HINCRBY', job, ARGV[i], ARGV[i + 1])
  end
end

-- What the shared sets call the job.
local function name()
  local id = string.sub(job, #'nightshift:job:' + 1)
  return incarnation == '' and id or id .. ':' .. incarnation
end

-- Puts a batch's message into the queue, KEYS[2], at that end: a call of the workers' task, by Celery's message protocol 2
-- in the envelope of kombu's Redis transport. It has what a worker reads of it, a third of what Celery writes, and is made
-- here, so that nobody sends it. By the task's id the re-sender knows the batch in the queue.
local function send(push, batch)
  local id = name() .. ':' .. batch
  local arguments = {string.sub(job, #'nightshift:job:' + 1), tonumber(batch)}
  if incarnation ~= '' then arguments[3] = incarnation end
  local route = {exchange = '', routing_key = string.sub(KEYS[2], #'nightshift:' + 1)}
  local message = {body = cjson.encode({arguments, {}, {}}), headers = {task = 'nightshift.score', id = id}}
  message['content-type'], message['content-encoding'] = 'application/json', 'utf-8'
  message.properties = {delivery_info = route, delivery_tag = id .. ':' .. now()}
  redis.call(push, KEYS[2], cjson.encode(message))
end

-- Ends the job. Batches still under way lose their payloads: nobody may score them any more.
local function finish(state, reason)
  redis.call('HSET', job, 'state', state, 'finished', now())
  if reason then redis.call('HSET', job, 'error', reason) end
  for _, set in ipairs({':queued', ':leased'}) do
    for _, batch in ipairs(redis.call('ZRANGE', job .. set, 0, -1)) do
      redis.call('UNLINK', own .. ':payload:' .. batch)
    end
  end
  redis.call('UNLINK', job .. ':queued', job .. ':leased', job .. ':owner', job .. ':attempts', job .. ':done')
  redis.call('SREM', shared .. 'active', name())
  wake(state)
end

-- Something else than these scripts, or a broken disk, has changed the ledger.
local function damaged(what)
  finish('failed', 'the ledger is damaged: ' .. what .. '; enqueue the file again')
end

-- Frees every key of the job.
local function erase()
  for batch = 0, tonumber(redis.call('HGET', job, 'batches') or 0) - 1 do
    redis.call('UNLINK', own .. ':payload:' .. batch, own .. ':kept:' .. batch, own .. ':result:' .. batch)
  end
  for _, suffix in ipairs({':producer', ':collector'}) do redis.call('UNLINK', own .. suffix) end
  for _, suffix in ipairs({'', ':queued', ':leased', ':owner', ':attempts', ':done', ':sent', ':answered', ':written',
    ':events', ':timeline', ':followed'}) do
    redis.call('UNLINK', job .. suffix)
  end
  redis.call('ZREM', shared .. 'jobs', string.sub(job, #'nightshift:job:' + 1))
  redis.call('SREM', shared .. 'active', name())
end

-- The receipt's check: once the file is read and every batch is done, what the producer read must be what the workers
-- scored and rejected.
local function settle()
  local field = redis.call('HMGET', job, 'sealed', 'batches', 'done', 'records', 'read_rejects', 'scored', 'score_rejects')
  if field[1] ~= '1' or field[2] ~= field[3] then return end
  local read = tonumber(field[4]) - tonumber(field[5])
  local answered = tonumber(field[6]) + tonumber(field[7])
  if read == answered then
    finish('complete')
  else
    finish('failed', 'the counts disagree: the producer sent ' .. read .. ' records, the workers answered for ' .. answered)
  end
end
