-- Frees every key of the job. ARGV: the job's id
for batch = 0, tonumber(redis.call('HGET', job, 'batches') or 0) - 1 do
  redis.call('UNLINK', job .. ':payload:' .. batch, job .. ':kept:' .. batch, job .. ':result:' .. batch)
end
for _, suffix in ipairs({'', ':queued', ':leased', ':owner', ':attempts', ':done', ':events', ':producer', ':collector'}) do
  redis.call('UNLINK', job .. suffix)
end
redis.call('ZREM', 'nightshift:jobs', ARGV[1])
redis.call('SREM', 'nightshift:active', ARGV[1])
return 1
