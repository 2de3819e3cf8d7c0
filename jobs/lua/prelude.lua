-- Stands before every script of the ledger. KEYS[1] is the job's hash, nightshift:job:<id>; the job's other keys are
-- that name and a suffix:
--   :queued    sorted set  batch -> when its message was sent (ms of the server's clock; 0: still to be sent)
--   :leased    sorted set  batch -> when its lease runs out (ms of the server's clock)
--   :owner     hash        batch -> token of the worker that holds its lease
--   :attempts  hash        batch -> leases it was given so far
--   :done      bitmap      1 where the batch's result is written
--   :timeline  list        an entry a batch, as it was done (jobs/timeline.py)
--   :followed  string      there while somebody follows the job
--   :events    stream      a wake-up for followers, one entry a completion; trimmed, never the truth
--   :payload:<batch>  :kept:<batch>  :result:<batch>   Arrow IPC streams (jobs/batch.py)
-- Time is the server's alone: hosts whose clocks differ agree on every lease.

local job = KEYS[1]

local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function running()
  return redis.call('HGET', job, 'state') == 'running'
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

-- Ends the job. Batches still under way lose their payloads: nobody may score them any more.
local function finish(state, reason)
  redis.call('HSET', job, 'state', state, 'finished', now())
  if reason then redis.call('HSET', job, 'error', reason) end
  for _, set in ipairs({':queued', ':leased'}) do
    for _, batch in ipairs(redis.call('ZRANGE', job .. set, 0, -1)) do
      redis.call('UNLINK', job .. ':payload:' .. batch)
    end
  end
  redis.call('UNLINK', job .. ':queued', job .. ':leased', job .. ':owner', job .. ':attempts', job .. ':done')
  redis.call('SREM', 'nightshift:active', string.sub(job, #'nightshift:job:' + 1))
  wake(state)
end

-- Frees every key of the job.
local function erase()
  local id = string.sub(job, #'nightshift:job:' + 1)
  for batch = 0, tonumber(redis.call('HGET', job, 'batches') or 0) - 1 do
    redis.call('UNLINK', job .. ':payload:' .. batch, job .. ':kept:' .. batch, job .. ':result:' .. batch)
  end
  for _, suffix in ipairs({'', ':queued', ':leased', ':owner', ':attempts', ':done', ':events', ':timeline',
    ':producer', ':collector', ':followed'}) do
    redis.call('UNLINK', job .. suffix)
  end
  redis.call('ZREM', 'nightshift:jobs', id)
  redis.call('SREM', 'nightshift:active', id)
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
