-- One bet a request for wrk. Arguments: a file with one customer's token a line, four hexadecimal digits that no other
-- run has, the market ids, joined by commas, and the prices of their selections in thousandths, joined by commas.
--
-- Keys are UUIDv7: the second of the start in milliseconds, the thread, the run, and a count, so that no two requests
-- of any run have the same. Everything else is put together once, so that a request costs three concatenations.

local threads = 0

function setup(thread)
   threads = threads + 1
   thread:set("number", threads)
end

local function split(text, pattern)
   local parts = {}
   for part in text:gmatch(pattern) do parts[#parts + 1] = part end
   return parts
end

local function bodies(markets, prices)
   local made = {}
   for _, market in ipairs(markets) do
      for selection, price in ipairs(prices) do
         local body = string.format(
            '{"market_id":%s,"selection_id":%d,"stake_minor":%d,"currency":"EUR","price_milli":%s}',
            market, selection, 500 + #made % 100, price)
         made[#made + 1] = string.format("\r\nContent-Length: %d\r\n\r\n%s", #body, body)
      end
   end
   return made
end

local function heads(file)
   local made = {}
   for token in io.lines(file) do
      made[#made + 1] = "POST /v1/bets HTTP/1.1\r\nHost: " .. wrk.headers["Host"]
         .. "\r\nContent-Type: application/json\r\nAuthorization: Bearer " .. token .. "\r\nIdempotency-Key: "
   end
   return made
end

function init(args)
   begins, ends = heads(args[1]), bodies(split(args[3], "[^,]+"), split(args[4], "[^,]+"))
   local instant = string.format("%012x", os.time() * 1000)
   prefix = string.format("%s-%s-7%03x-8%s-", instant:sub(1, 8), instant:sub(9, 12), number, args[2]:sub(1, 3))
   count = 0
end

function request()
   count = count + 1
   return begins[count % #begins + 1] .. prefix .. string.format("%012x", count) .. ends[count % #ends + 1]
end

function done(summary, latency, requests)
   local errors = summary.errors
   io.write(string.format(
      '\n{"requests":%d,"seconds":%.6f,"p50_ms":%.3f,"p90_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"refused":%d,"broken":%d}\n',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(90) / 1e3,
      latency:percentile(99) / 1e3, latency.max / 1e3, errors.status,
      errors.connect + errors.read + errors.write + errors.timeout))
end
