/* Any bytes from an AT port, in any chunking, give the same events, within the machine's limits. */
#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "service/at/line.h"
#include "service/base/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All events of one run as one digest. */
static void run(const uint8_t *in, size_t n, size_t chunk, bool prompt, uint8_t out[SHA256_BYTES])
{
    struct line_machine m;
    struct buf log;
    line_init(&m);
    buf_init(&log, 64u << 20);
    for (size_t at = 0, end = 0; at < n; at = end) {
        end = n - at < chunk ? n : at + chunk;
        while (at < end) {
            size_t used = 0;
            struct line_event ev;
            m.prompt_expected = prompt;
            enum err e = line_feed(&m, in + at, end - at, &used, &ev);
            assert(used <= end - at);
            assert(used || e || ev.kind != LINE_NONE);
            assert(!e || e == ERR_PROTOCOL);
            at += used;
            if (e) buf_puts(&log, "error\n");
            if (e || ev.kind == LINE_NONE) continue;
            assert(ev.kind != LINE_TEXT || (*ev.text && strlen(ev.text) <= 4096));
            buf_printf(&log, "%d %zu ", (int)ev.kind, ev.raw_len);
            buf_puts(&log, ev.text);
            if (ev.kind == LINE_RAW) buf_append(&log, ev.raw, ev.raw_len);
        }
    }
    assert(!buf_ok(&log));
    digest_sha256(buf_str(&log), log.len, out);
    buf_dispose(&log);
    line_dispose(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    bool prompt = data[0] & 1;
    size_t chunk = 1 + (data[0] >> 1) % 64;
    uint8_t whole[SHA256_BYTES], parts[SHA256_BYTES];
    run(data + 1, size - 1, size, prompt, whole);
    run(data + 1, size - 1, chunk, prompt, parts);
    assert(memcmp(whole, parts, sizeof whole) == 0);
    return 0;
}
