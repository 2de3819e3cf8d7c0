-- Takes back the leases that ran out, and names the batches whose message may be lost. ARGV: patience (ms)
-- Returns the batches that were neither sent nor leased within the last `patience`, each with when it was sent (0: its
-- message is used up).
for _, batch in ipairs(redis.call('ZRANGEBYSCORE', job .. ':leased', '-inf', now())) do
  redis.call('ZREM', job .. ':leased', batch)
  redis.call('HDEL', job .. ':owner', batch)
  redis.call('ZADD', job .. ':queued', 0, batch)
  redis.call('HINCRBY', job, 'leases_lost', 1)
end
return redis.call('ZRANGEBYSCORE', job .. ':queued', '-inf', now() - ARGV[1], 'WITHSCORES')
