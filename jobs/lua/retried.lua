-- Some rejects of a complete job were scored after all, and its files say so. ARGV: incarnation, scored, rejected by the
-- reader, rejected by workers, the number of items that follow, so many fields and values; the number of items that
-- follow, so many pairs of batch and what its lines are; then pairs of code and number
-- Returns 1, or 0 if the counts don't make up the records that were read.
if not ours() or redis.call('HGET', job, 'state') ~= 'complete' then return 0 end
if ARGV[2] + ARGV[3] + ARGV[4] ~= tonumber(redis.call('HGET', job, 'records')) then return 0 end
redis.call('HSET', job, 'scored', ARGV[2], 'read_rejects', ARGV[3], 'score_rejects', ARGV[4])
local last = 5 + ARGV[5]
if last > 5 then redis.call('HSET', job, unpack(ARGV, 6, last)) end
local lines = last + 1
last = lines + ARGV[lines]
for i = lines + 1, last, 2 do
  redis.call('HSET', job .. ':written', ARGV[i], ARGV[i + 1])
end
for _, field in ipairs(redis.call('HKEYS', job)) do
  if string.sub(field, 1, 5) == 'code:' then redis.call('HDEL', job, field) end
end
count(last + 1)
return 1
