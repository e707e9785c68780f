import { createHash } from "node:crypto";

/** A script with the name that Redis knows it by. */
export interface RedisScript {
  readonly source: string;
  readonly sha1: string;
}

function script(source: string): RedisScript {
  return { source, sha1: createHash("sha1").update(source).digest("hex") };
}

/*
 * Each works on one key, a hash of "version", "expires" and "data", so that it runs in a cluster. The time is the caller's, as the ends
 * are; Redis itself is told how long to keep the key, so that its own clock may be wrong.
 */

/** KEYS: the record. ARGV: version, expires, data, now. Returns 1 if it was written. */
export const writeScript: RedisScript = script(`
local found = redis.call("HMGET", KEYS[1], "version", "expires")
local live = 0
if found[1] and tonumber(found[2]) > tonumber(ARGV[4]) then live = tonumber(found[1]) end
if tonumber(ARGV[1]) ~= live + 1 then return 0 end
local left = tonumber(ARGV[2]) - tonumber(ARGV[4])
if left <= 0 then
  redis.call("DEL", KEYS[1])
else
  redis.call("HSET", KEYS[1], "version", ARGV[1], "expires", ARGV[2], "data", ARGV[3])
  redis.call("PEXPIRE", KEYS[1], string.format("%.0f", math.ceil(left)))
end
return 1
`);

/** KEYS: the record. ARGV: expires, now. */
export const touchScript: RedisScript = script(`
local expires = redis.call("HGET", KEYS[1], "expires")
if not expires or tonumber(expires) <= tonumber(ARGV[2]) then return 0 end
local left = tonumber(ARGV[1]) - tonumber(ARGV[2])
if left <= 0 then
  redis.call("DEL", KEYS[1])
else
  redis.call("HSET", KEYS[1], "expires", ARGV[1])
  redis.call("PEXPIRE", KEYS[1], string.format("%.0f", math.ceil(left)))
end
return 1
`);
