/* What a board said while it started: any bytes are judged, and whatever the judgement, it is told
 * in full. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "service/flash/diagnose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_told(enum err e)
{
    const struct err_info *why = err_last();
    assert(e && why->kind == e && strncmp(why->code, "board_", 6) == 0);
    assert(strstr(why->detail, "ttyS7") && why->hint[0]);
    assert(strlen(why->hint) < sizeof why->hint - 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct evidence ev = {.heard = diagnose_text(data, size),
                          .text = data,
                          .n = size,
                          .port = "ttyS7",
                          .baud = 115200};
    assert(!diagnose_loader_ready(data, size) || ev.heard == HEARD_LOADER);
    check_told(diagnose_failure(&ev));
    ev.echoed = true;
    check_told(diagnose_failure(&ev));
    enum boot boot = diagnose_boot(data, size);
    enum err e = diagnose_boot_failure(boot, data, size, "ttyS7");
    assert((boot <= BOOT_RUNS) == (e == ERR_OK));
    if (e) check_told(e);
    return 0;
}
