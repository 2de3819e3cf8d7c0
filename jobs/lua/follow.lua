-- Somebody follows the job, which does not expire meanwhile. What a disk may have lost of a running job is mended: that
-- it runs, without which nothing of it is sent again, and that it is whole, without which it never ends.
-- ARGV: incarnation, for how long it is followed (ms)
-- Returns 1, or 0 if the job is not there.
if not ours() then return 0 end
redis.call('SET', job .. ':followed', 1, 'PX', ARGV[2])
if running() then
  redis.call('SADD', shared .. 'active', name())
  settle()
end
return 1
