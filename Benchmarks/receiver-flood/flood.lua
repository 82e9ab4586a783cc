-- wrk script: each thread sends its own part of the deliveries, each once.
local path = os.getenv("FLOOD")
local threads = tonumber(os.getenv("FLOOD_THREADS"))
local skip = tonumber(os.getenv("FLOOD_SKIP") or "0")
local number = 0
function setup(thread)
  thread:set("part", number)
  number = number + 1
end
function init(args)
  signatures = {}
  local file = io.open(path)
  first, second = file:read("*l"), file:read("*l")
  for line in file:lines() do signatures[#signatures + 1] = line end
  file:close()
  next = skip + part + 1
end
function request()
  local n = next
  next = next + threads
  local headers = {
    ["Content-Type"] = "application/json",
    ["X-GitHub-Event"] = "secret_scanning_alert",
    ["X-GitHub-Delivery"] = "flood-" .. n,
    ["X-Hub-Signature-256"] = "sha256=" .. (signatures[n] or "none"),
  }
  return wrk.format("POST", "/github", headers, first .. n .. second)
end
function done(summary, latency, requests)
  io.write(string.format("RESULT %d %d %d %d %d %d %d\n", summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), latency.max, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
