/* no_firmware: stands in where tests/board/firmware is not linked in: the flash then never holds a
 * program that could run. Weak, so the real one wins. */
#include "tests/board/board.h"

__attribute__((weak)) struct firmware *firmware_boot(const struct firmware_env *env,
                                                     enum reset_cause why)
{
    (void)env;
    (void)why;
    return NULL;
}

__attribute__((weak)) void firmware_halt(struct firmware *fw)
{
    (void)fw;
}

__attribute__((weak)) void firmware_at_bytes(struct firmware *fw, const uint8_t *data, size_t n)
{
    (void)fw;
    (void)data;
    (void)n;
}

__attribute__((weak)) void stock_fill(struct flash *f, const struct board_options *options)
{
    (void)f;
    (void)options;
}
