-- Frees what is safely in the scores file. ARGV: the collector's token, first batch, end batch (exclusive), then the
-- fields and values that say how far the files are good
-- Returns 1, or 0 if somebody else collects now.
if redis.call('GET', job .. ':collector') ~= ARGV[1] then return 0 end
for batch = tonumber(ARGV[2]), tonumber(ARGV[3]) - 1 do
  redis.call('UNLINK', job .. ':kept:' .. batch, job .. ':result:' .. batch)
end
redis.call('HSET', job, unpack(ARGV, 4))
return 1
