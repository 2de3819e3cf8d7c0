-- Takes or keeps a lock. KEYS[1]: the lock. ARGV: token, milliseconds. Returns 1 if it is this token's.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])  -- a server out of memory then lets it be set: whoever collects makes room
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
