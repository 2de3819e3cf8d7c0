-- Notes that batches are about to be sent again. ARGV: batches. Returns those that are still queued.
local due = {}
for _, batch in ipairs(ARGV) do
  if redis.call('ZADD', job .. ':queued', 'XX', 'CH', now(), batch) == 1 then table.insert(due, batch) end
end
redis.call('HINCRBY', job, 'resent', #due)
return due
