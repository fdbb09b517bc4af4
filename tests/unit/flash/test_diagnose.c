#include "service/flash/diagnose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void boot_texts_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum heard heard;
        bool ready;
    } cases[] = {
        {"", HEARD_NOTHING, false},
        {"rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\r\nwaiting "
         "for download\r\n",
         HEARD_LOADER, true},
        {"rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\r\nwait",
         HEARD_LOADER, false},
        {"rst:0x1 (POWERON_RESET),boot:0xf (UART_BOOT(UART0))\r\n", HEARD_LOADER, true},
        {"rst:0x1 (POWERON_RESET),boot:0xf (UART_BOOT(UA", HEARD_LOADER, false},
        {"rst:0x1 (POWERON),boot:0x2 (UART0_BOOT)\r\nwait uart0 download\r\n", HEARD_LOADER, true},
        {"rst:0x1 (POWERON),boot:0x4 (DOWNLOAD(USB/UART0/1))\r\nwaiting for download\r\n",
         HEARD_LOADER, true},
        {"rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\nflash read err, 1000\r\n",
         HEARD_FIRMWARE, false},
        {"boot:0x3 (DOWNLOAD_BOOT(UART0))\r\nwaiting for download\r\nboot:0x13 "
         "(SPI_FAST_FLASH_BOOT)\r\n",
         HEARD_FIRMWARE, false},
        {"boot:0x13 (SPI_FAST_FLASH_BOOT)\r\nI (31) app\r\nboot:0x3 (DOWNLOAD_BOOT(UART0))\r\n"
         "waiting for download\r\n",
         HEARD_LOADER, true},
        {"I (812) app: temperature 21.5\r\n", HEARD_TEXT, false},
        {"\x91\x02\xf3\x88\x10\xff\xe0\x41\x9c", HEARD_NOISE, false},
        {"ab\r", HEARD_NOISE, false}, /* too little to tell */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t *t = (const uint8_t *)cases[i].text;
        size_t n = strlen(cases[i].text);
        if (diagnose_text(t, n) != cases[i].heard || diagnose_loader_ready(t, n) != cases[i].ready)
            fail_msg("case %zu: %d", i, (int)diagnose_text(t, n));
    }
}

static void each_story_has_its_code_and_its_words(void **state)
{
    (void)state;
    static const struct {
        enum heard heard;
        bool echoed;
        enum err kind;
        const char *code;
    } cases[] = {
        {HEARD_NOTHING, false, ERR_TIMEOUT, "board_silent"},
        {HEARD_NOISE, false, ERR_PROTOCOL, "board_garbage"},
        {HEARD_TEXT, false, ERR_DEVICE, "board_wrong_boot_mode"},
        {HEARD_FIRMWARE, false, ERR_DEVICE, "board_wrong_boot_mode"},
        {HEARD_LOADER, false, ERR_TIMEOUT, "board_tx_dead"},
        {HEARD_NOTHING, true, ERR_PROTOCOL, "board_echo"},
        {HEARD_NOISE, true, ERR_PROTOCOL, "board_echo"},
        {HEARD_FIRMWARE, true, ERR_DEVICE, "board_wrong_boot_mode"}, /* BASIC echoes */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct evidence ev = {.heard = cases[i].heard,
                                    .text = (const uint8_t *)"its words",
                                    .n = 9,
                                    .echoed = cases[i].echoed,
                                    .port = "ttyUSB7",
                                    .baud = 115200};
        assert_int_equal(diagnose_failure(&ev), cases[i].kind);
        assert_string_equal(err_last()->code, cases[i].code);
        assert_string_equal(err_last()->device, "its words");
        assert_non_null(strstr(err_last()->detail, "ttyUSB7"));
        assert_true(strlen(err_last()->hint) > 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_texts_are_told_apart),
        cmocka_unit_test(each_story_has_its_code_and_its_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
