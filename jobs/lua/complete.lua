-- Writes a batch's result, once: the first to arrive wins, whether or not its lease ran out meanwhile, since every
-- worker's result for a batch is the same. Result, counters, payload and wake-up change together or not at all.
-- ARGV: incarnation, batch, the digest of what was scored, result, its digest, the timeline's part of it: scored,
-- rejected, work (JSON); then pairs of counter and number
-- Returns 1, or 0 if the result was there already (or nobody wants it any more); -1 if the batch is not known (yet).
-- A worker that scored something else than the producer sent ends the job.
local batch = ARGV[2]
if not running() then return 0 end
if not entered(batch) then return -1 end
redis.call('UNLINK', own .. ':payload:' .. batch)  -- before it stores: a server out of memory then lets it
if redis.call('GETBIT', job .. ':done', batch) == 1 then
  redis.call('HINCRBY', job, 'duplicates', 1)
  return 0
end
if incarnation ~= '' then
  local sent = redis.call('HGET', job .. ':sent', batch) or ''
  local records, rejected, digest = string.match(sent, '^%d+ (%d+) (%d+) (%x+) %x+$')
  if digest ~= ARGV[3] then
    damaged('what a worker scored as batch ' .. batch .. ' is not what the producer sent')
    return 0
  end
  if records - rejected ~= ARGV[6] + ARGV[7] then
    finish('failed', 'the counts disagree: the producer sent ' .. records - rejected .. ' records as batch ' .. batch ..
      ', a worker answered for ' .. ARGV[6] + ARGV[7])
    return 0
  end
end
redis.call('SETBIT', job .. ':done', batch, 1)
redis.call('SET', own .. ':result:' .. batch, ARGV[4])
redis.call('HSET', job .. ':answered', batch, table.concat({ARGV[6], ARGV[7], ARGV[5]}, ' '))
if redis.call('ZREM', job .. ':leased', batch) == 0 then redis.call('ZREM', job .. ':queued', batch) end
redis.call('HDEL', job .. ':owner', batch)
-- A server that was killed may have forgotten a lease that it had given (appendfsync everysec).
if redis.call('HDEL', job .. ':attempts', batch) == 0 then redis.call('HINCRBY', job, 'attempts', 1) end
redis.call('HINCRBY', job, 'done', 1)
redis.call('RPUSH', job .. ':timeline', table.concat({now(), batch, ARGV[6], ARGV[7], ARGV[8]}, ' '))
redis.call('HINCRBY', job, 'scored', ARGV[6])
redis.call('HINCRBY', job, 'score_rejects', ARGV[7])
count(9)
wake(batch)
settle()
return 1
