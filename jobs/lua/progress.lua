-- The job's hash but for its record, which is the largest field and never changes: followers ask after each completion.
-- Returns fields and values in turn; none if there is no such job. In whichever life it is: the caller looks.
local found, kept = redis.call('HGETALL', job), {}
for i = 1, #found, 2 do
  if found[i] ~= 'record' then
    kept[#kept + 1] = found[i]
    kept[#kept + 1] = found[i + 1]
  end
end
return kept
