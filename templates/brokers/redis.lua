-- Commands that `broker.py` runs in Redis. The first argument names one. The first two keys are
-- a hash of the messages that workers hold, and a sorted set of the times of their renewals.

local held, leases = KEYS[1], KEYS[2]
local command = table.remove(ARGV, 1)
local commands = {}

-- A script blocks Redis, so it moves only this many delayed or expired messages at a time.
local AT_A_TIME = 100

local function wake(wakeups, milliseconds)
    redis.call('LPUSH', wakeups, '')
    redis.call('PEXPIRE', wakeups, milliseconds)
end

local function now()
    return redis.call('TIME')[1]
end

-- Further keys: a list of messages, and its queue's wake-ups.
function commands.send()
    redis.call('LPUSH', KEYS[3], ARGV[1])
    wake(KEYS[4], ARGV[2])
end

-- Further keys: each list of messages, its queue's wake-ups and its delayed messages. Further
-- arguments: the time until which delayed messages are due, the lifetime of a wake-up, a delivery
-- tag, and those of finished messages. Records a message under the tag, after the name of its list
-- and a line break. Returns the index of the list, and the message.
function commands.take()
    for i = 4, #ARGV do
        redis.call('HDEL', held, ARGV[i])
        redis.call('ZREM', leases, ARGV[i])
    end

    for i = 3, #KEYS, 3 do
        redis.call('DEL', KEYS[i + 1])
        local due = redis.call('ZRANGEBYSCORE', KEYS[i + 2], 0, ARGV[1], 'LIMIT', 0, AT_A_TIME)
        for _, raw in ipairs(due) do
            redis.call('LPUSH', KEYS[i], raw)
            redis.call('ZREM', KEYS[i + 2], raw)
        end
    end
    local taken
    for i = 3, #KEYS, 3 do
        local raw = not taken and redis.call('RPOP', KEYS[i])
        if raw then
            redis.call('HSET', held, ARGV[3], KEYS[i] .. '\n' .. raw)
            redis.call('ZADD', leases, now(), ARGV[3])
            taken = {(i - 3) / 3, raw}
        end
        if redis.call('EXISTS', KEYS[i]) == 1 then
            wake(KEYS[i + 1], ARGV[2])
        end
    end
    return taken
end

-- A full Redis refuses transactions and most writes, but not a script that begins with a deletion,
-- as the next commands do.

-- Further key: the list to requeue a message to, if any. Further arguments: its tag, the command
-- that pushes it, and the message. A message that is not held was acknowledged or requeued already.
function commands.release()
    local was_held = redis.call('HDEL', held, ARGV[1])
    redis.call('ZREM', leases, ARGV[1])
    if was_held == 1 and KEYS[3] then
        redis.call(ARGV[2], KEYS[3], ARGV[3])
    end
end

-- Further arguments: the delivery tags of the messages that a worker holds.
function commands.renew()
    redis.call('ZREM', leases, '')
    for i = 1, #ARGV do
        redis.call('ZADD', leases, 'XX', now(), ARGV[i])
    end
end

-- Further argument: the seconds after which a lease expires. Returns the delivery tags of expired leases,
-- and renews them for the worker that requeues the messages.
function commands.expired()
    redis.call('ZREM', leases, '')
    local tags = redis.call('ZRANGEBYSCORE', leases, 0, now() - ARGV[1], 'LIMIT', 0, AT_A_TIME)
    for _, tag in ipairs(tags) do
        redis.call('ZADD', leases, now(), tag)
    end
    return tags
end

return commands[command]()
