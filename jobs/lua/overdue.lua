-- Takes back the leases that ran out, and names the batches whose message may be lost. ARGV: incarnation, patience (ms)
-- Returns the batches that were neither sent nor leased within the last `patience`, each with when it was sent (0: its
-- message is used up).
if not running() then return {} end
for _, batch in ipairs(redis.call('ZRANGEBYSCORE', job .. ':leased', '-inf', now())) do
  redis.call('ZREM', job .. ':leased', batch)
  redis.call('HDEL', job .. ':owner', batch)
  redis.call('ZADD', job .. ':queued', 0, batch)
  redis.call('HINCRBY', job, 'leases_lost', 1)
end
-- Nobody would ever look for a batch that is in neither set.
local field = redis.call('HMGET', job, 'batches', 'done')
local waiting = redis.call('ZCARD', job .. ':queued') + redis.call('ZCARD', job .. ':leased')
if waiting + field[2] ~= tonumber(field[1]) then
  damaged(field[1] .. ' batches, of which ' .. field[2] .. ' are done and ' .. waiting .. ' are not')
  return {}
end
return redis.call('ZRANGEBYSCORE', job .. ':queued', '-inf', now() - ARGV[2], 'WITHSCORES')
