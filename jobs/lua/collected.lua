-- Frees what is safely in the scores file. ARGV: incarnation, the collector's token, first batch, end batch (exclusive),
-- the number of items that follow, so many fields and values that say how far the files are good; then pairs of batch
-- and what its lines are
-- Returns 1, or 0 if somebody else collects now, or did since the caller looked: a collector that stalled and got its
-- lock back would set the job back, or free what it never wrote. The same call again (its answer was lost) gets 1.
if not ours() or redis.call('GET', own .. ':collector') ~= ARGV[2] then return 0 end
local last = 5 + ARGV[5]
if tonumber(redis.call('HGET', job, 'collected')) ~= tonumber(ARGV[3]) then
  for i = 6, last, 2 do
    if redis.call('HGET', job, ARGV[i]) ~= ARGV[i + 1] then return 0 end
  end
  return 1
end
for batch = tonumber(ARGV[3]), tonumber(ARGV[4]) - 1 do
  redis.call('UNLINK', own .. ':kept:' .. batch, own .. ':result:' .. batch)
end
redis.call('HSET', job, unpack(ARGV, 6, last))
for i = last + 1, #ARGV, 2 do
  redis.call('HSET', job .. ':written', ARGV[i], ARGV[i + 1])
end
return 1
