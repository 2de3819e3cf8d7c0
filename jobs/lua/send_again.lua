-- Sends batches again, if they still want it, before all that wait: whoever collects waits for them.
-- KEYS[2]: the queue. ARGV: incarnation, then the batches
-- Returns how many.
if not running() then return 0 end
local count = 0
for i = 2, #ARGV do
  if redis.call('ZADD', job .. ':queued', 'XX', 'CH', now(), ARGV[i]) == 1 then
    send('RPUSH', ARGV[i])
    count = count + 1
  end
end
redis.call('HINCRBY', job, 'resent', count)
return count
