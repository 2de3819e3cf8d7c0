-- Frees every key of a job that has ended. ARGV: incarnation, seconds since it ended, at least
-- Returns 1, or 0 if it is not there, runs, ended later, or (unless that is 0) somebody follows it.
if not ours() then return 0 end
local field = redis.call('HMGET', job, 'state', 'finished')
if field[1] == 'running' or tonumber(field[2]) > now() - ARGV[2] * 1000 then return 0 end
if tonumber(ARGV[2]) > 0 and redis.call('EXISTS', job .. ':followed') == 1 then return 0 end
erase()
return 1
