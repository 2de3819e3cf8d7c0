-- Some rejects of a complete job were scored after all, and its files say so. ARGV: scored, rejected by the reader,
-- rejected by workers, bytes of the scores file, bytes of the rejects file, then pairs of code and number
-- Returns 1, or 0 if the counts don't make up the records that were read.
if redis.call('HGET', job, 'state') ~= 'complete' then return 0 end
if ARGV[1] + ARGV[2] + ARGV[3] ~= tonumber(redis.call('HGET', job, 'records')) then return 0 end
redis.call('HSET', job, 'scored', ARGV[1], 'read_rejects', ARGV[2], 'score_rejects', ARGV[3],
  'output_bytes', ARGV[4], 'rejects_bytes', ARGV[5])
for _, name in ipairs(redis.call('HKEYS', job)) do
  if string.sub(name, 1, 5) == 'code:' then redis.call('HDEL', job, name) end
end
count(6)
return 1
