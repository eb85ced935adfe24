-- Argo CD's health of every kind of fairlead.dev, from the conditions that all of them have:
--   Ready=True               Healthy
--   Stalled=True             Degraded: somebody has to change something
--   Ready=False              Progressing: it goes on by itself, say when Vault is there again
--   nothing, or of an older generation  Progressing
-- The same as kstatus says of them. Messages hold no values.
local health = { status = "Progressing", message = "Fairlead has not looked at it yet" }
if obj.status == nil or obj.status.conditions == nil then
  return health
end
local ready, stalled
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Ready" then
    ready = condition
  elseif condition.type == "Stalled" then
    stalled = condition
  end
end
if ready == nil then
  return health
end
if ready.observedGeneration ~= nil and ready.observedGeneration ~= obj.metadata.generation then
  return health
end
health.message = ready.message
if stalled ~= nil and stalled.status == "True" then
  health.status = "Degraded"
elseif ready.status == "True" then
  health.status = "Healthy"
end
return health
