/* Texts as the ROMs of the family, the bootloader and the firmware were seen to print them. */
#include "service/flash/diagnose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ESP32    "ets Jul 29 2019 12:21:46\r\n\r\n"
#define C3       "ESP-ROM:esp32c3-api1-20210207\r\nBuild:Feb  7 2021\r\n"
#define FROM_ROM "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
#define ENTRY                                                                                      \
    "configsip: 0, SPIWP:0xee\r\nmode:DIO, clock div:2\r\nload:0x3fff0030,len:268\r\n"             \
    "entry 0x40080530\r\n"
#define WATCHDOG                                                                                   \
    "ets Jul 29 2019 12:21:46\r\n\r\nrst:0x10 (RTCWDT_RTC_RESET),boot:0x13 "                       \
    "(SPI_FAST_FLASH_BOOT)\r\n"
#define CRASH                                                                                      \
    "Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.\r\n"       \
    "Backtrace: 0x400d1f3c:0x3ffb5a70\r\n\r\nRebooting...\r\n"
#define SOFTWARE "rst:0xc (SW_CPU_RESET),boot:0x12 (SPI_FAST_FLASH_BOOT)\r\n"

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
        {C3 "rst:0x1 (POWERON),boot:0x2 (UART0_BOOT)\r\nwait uart0 download\r\n", HEARD_LOADER,
         true},
        {C3 "rst:0x1 (POWERON),boot:0x2 (UART0_BOOT)\r\nwait uart0 dow", HEARD_LOADER, false},
        {C3 "rst:0x1 (POWERON),boot:0x0 (USB_BOOT)\r\nwait usb download\r\n", HEARD_LOADER, true},
        {"rst:0x1 (POWERON),boot:0x2 (UART0_BOOT)\r\nwait uart download(secure mode)\r\n",
         HEARD_LOADER, true},
        {"rst:0x1 (POWERON),boot:0x4 (DOWNLOAD(USB/UART0/1))\r\nwaiting for download\r\n",
         HEARD_LOADER, true},
        {"rst:0x15 (USB_UART_CHIP_RESET),boot:0x0 (DOWNLOAD(USB/UART0))\r\nwaiting for "
         "download\r\n",
         HEARD_LOADER, true},
        {"rst:0x1 (POWERON),boot:0x0 (DOWNLOAD(USB/UART0/1/SPI))\r\n", HEARD_LOADER, false},
        {"rst:0x1 (POWERON),boot:0x4 (DOWNLOAD(USB/UART0/SDIO_FEI_FEO))\r\n", HEARD_LOADER, false},
        {"rst:0x1 (POWERON),boot:0x1 (SPI_DOWNLOAD_BOOT)\r\nwait spi download\r\n", HEARD_FIRMWARE,
         false},
        {"rst:0x1 (POWERON),boot:0x4 (DOWN", HEARD_FIRMWARE, false}, /* still coming */
        {ESP32
         "rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\nflash read err, 1000\r\n",
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

static void expect_failure(const char *text, bool echoed, enum err kind, const char *code)
{
    const uint8_t *t = (const uint8_t *)text;
    size_t n = strlen(text);
    const struct evidence ev = {.heard = diagnose_text(t, n),
                                .text = t,
                                .n = n,
                                .echoed = echoed,
                                .port = "ttyUSB7",
                                .baud = 115200};
    enum err e = diagnose_failure(&ev);
    const struct err_info *why = err_last();
    if (e != kind || strcmp(why->code, code) != 0)
        fail_msg("%s: %s, %s", text, why->code, why->detail);
    assert_non_null(strstr(why->detail, "ttyUSB7"));
    assert_true(strlen(why->hint) > 20);
    assert_true(strlen(why->hint) < sizeof why->hint - 1); /* nothing cut off */
    assert_int_equal(why->device[0] != '\0', n > 0);
}

static void each_failure_names_its_cause(void **state)
{
    (void)state;
    static const char garbage[] = "\x91\x02\xf3\x88\x10\xff\xe0\x41\x9c";
    static const struct {
        const char *text;
        enum err kind;
        const char *code;
    } cases[] = {
        {"", ERR_TIMEOUT, "board_silent"},
        {garbage, ERR_PROTOCOL, "board_garbage"},
        {"I (812) app: temperature 21.5\r\n", ERR_DEVICE, "board_wrong_boot_mode"},
        {ESP32 FROM_ROM ENTRY, ERR_DEVICE, "board_wrong_boot_mode"},
        {ESP32 FROM_ROM, ERR_DEVICE, "board_wrong_boot_mode"},
        {ESP32 "rst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\r\n"
               "waiting for download\r\n",
         ERR_TIMEOUT, "board_tx_dead"},
        {C3 "rst:0x1 (POWERON),boot:0x2 (UART0_BOOT)\r\nwait uart0 download\r\n", ERR_TIMEOUT,
         "board_tx_dead"},
        {"rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\nDownload boot modes disabled\r\n",
         ERR_UNSUPPORTED, "board_download_disabled"},
        {"rst:0x1 (POWERON),boot:0x1 (SPI_DOWNLOAD_BOOT)\r\nwait spi download\r\n", ERR_DEVICE,
         "board_wrong_straps"},
        {C3 "rst:0x1 (POWERON),boot:0x0 (USB_BOOT)\r\nwait usb download\r\n", ERR_DEVICE,
         "board_wrong_straps"},
        {ESP32 FROM_ROM "flash read err, 1000\r\n", ERR_DEVICE, "board_no_firmware"},
        {C3 "rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)\r\ninvalid header: 0xffffffff\r\n"
            "invalid header: 0xffffffff\r\n",
         ERR_DEVICE, "board_no_firmware"},
        {ESP32 FROM_ROM "flash read err, 631\r\nFalling back to built-in command interpreter.\r\n"
                        "OK\r\n>",
         ERR_DEVICE, "board_basic"},
        /* the loader's SYNC, shown by BASIC's line editor */
        {"\xc0\b \b$\a\a\x12 UUUUUUUUUUUUUUUUUUUUUUUUUUUUUUUU\xc0", ERR_DEVICE, "board_basic"},
        {ESP32 "rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n", ERR_DEVICE,
         "board_brownout"},
        {"rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0))\r\nwaiting for "
         "download\r\n",
         ERR_DEVICE, "board_brownout"},
        {WATCHDOG WATCHDOG, ERR_DEVICE, "board_boot_loop"},
        {ESP32 FROM_ROM ENTRY CRASH, ERR_DEVICE, "board_crash"},
        {ESP32 FROM_ROM ENTRY "E (120) boot: No bootable app partitions in the partition table\r\n",
         ERR_DEVICE, "board_no_app"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_failure(cases[i].text, false, cases[i].kind, cases[i].code);
}

static void an_echo_alone_is_a_bridge(void **state)
{
    (void)state;
    expect_failure("\x91\x02\xf3\x88\x10\xff\xe0\x41\x9c", true, ERR_PROTOCOL, "board_echo");
    expect_failure("", true, ERR_PROTOCOL, "board_echo");
    expect_failure(ESP32 FROM_ROM ENTRY, true, ERR_DEVICE, "board_wrong_boot_mode");
}

static void a_board_with_nothing_to_run_is_told_about_both(void **state)
{
    (void)state;
    expect_failure(ESP32 FROM_ROM "flash read err, 1000\r\n", false, ERR_DEVICE,
                   "board_no_firmware");
    assert_non_null(strstr(err_last()->detail, "did not enter its loader"));
    assert_non_null(strstr(err_last()->hint, "boot pin"));
    assert_non_null(strstr(err_last()->hint, "GPIO12"));
}

static void each_boot_is_judged(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum boot boot;
        const char *code;
    } cases[] = {
        {"", BOOT_SILENT, ""},
        {"\x91\x02\xf3\x88\x10\xff\xe0\x41\x9c", BOOT_NOISE, ""},
        {ESP32 FROM_ROM, BOOT_BEGUN, ""},
        {ESP32 WATCHDOG, BOOT_BEGUN, ""}, /* a loader that was left so */
        {ESP32 FROM_ROM ESP32 WATCHDOG, BOOT_STOPPED, "board_stopped"},
        {ESP32 FROM_ROM ESP32 WATCHDOG ENTRY, BOOT_RUNS, ""},
        {ESP32 FROM_ROM ENTRY, BOOT_RUNS, ""},
        {ESP32 FROM_ROM ENTRY "I (6054) at-init: at param mode: 1\r\n", BOOT_RUNS, ""},
        {"I (6054) at-init: at param mode: 1\r\n", BOOT_RUNS, ""},
        {"\r\nready\r\n", BOOT_RUNS, ""},
        /* an ESP32-C2 whose ROM talks at 74880 */
        {"\x91\x02\xf3\x88\x10\xff\xe0\x41\x9c\xe1\x02I (31) at-init: at param mode: 1\r\n",
         BOOT_RUNS, ""},
        {"\x91\x02\xf3\x88\x10\xff\xe0\x41\x9c\xe1\x02I (3x) and I (12", BOOT_NOISE, ""},
        {"rst:0x1 (POWERON),boot:0x5 (DOWNLOAD(USB/UART0/1))\r\nwaiting for download\r\n",
         BOOT_LOADER, "board_in_loader"},
        {ESP32 FROM_ROM "flash read err, 1000\r\n", BOOT_NO_FIRMWARE, "board_no_firmware"},
        {C3 "rst:0x1 (POWERON),boot:0x8 (SPI_FAST_FLASH_BOOT)\r\ninvalid header: 0xffffffff\r\n",
         BOOT_NO_FIRMWARE, "board_no_firmware"},
        {ESP32 FROM_ROM "csum err:0xef!=0x12\r\nets_main.c 384 \r\n", BOOT_NO_FIRMWARE,
         "board_no_firmware"},
        {C3
         "rst:0x1 (POWERON),boot:0xc (SPI_FAST_FLASH_BOOT)\r\nInvalid image block, can't boot.\r\n",
         BOOT_NO_FIRMWARE, "board_no_firmware"},
        {ESP32 FROM_ROM "Invalid header <invalid>\r\n", BOOT_NO_FIRMWARE, "board_no_firmware"},
        /* … and once more, cut off */
        {ESP32 FROM_ROM "invalid header: 0xffffffff\r\n" WATCHDOG, BOOT_NO_FIRMWARE,
         "board_no_firmware"},
        {ESP32 FROM_ROM "invalid header: 0xffffffff\r\n" WATCHDOG WATCHDOG, BOOT_NO_FIRMWARE,
         "board_no_firmware"},
        {ESP32 FROM_ROM ENTRY "E (46) boot: No bootable app partitions in the partition table\r\n",
         BOOT_NO_APP, "board_no_app"},
        {ESP32 FROM_ROM ENTRY "E (40) boot: load partition table error!\r\n", BOOT_NO_APP,
         "board_no_app"},
        {ESP32 FROM_ROM ENTRY "E (75) boot_comm: mismatch chip ID, expected 0, found 5\r\n"
                              "E (80) boot: No bootable app partitions in the partition table\r\n",
         BOOT_WRONG_CHIP, "board_wrong_chip"},
        {ESP32 FROM_ROM ENTRY "E (75) boot_comm: mismatch chip ID, expected 0, found 65535\r\n"
                              "E (80) boot: No bootable app partitions in the partition table\r\n",
         BOOT_NO_APP, "board_no_app"},
        {ESP32 FROM_ROM ENTRY "E (75) boot_comm: Image requires chip rev >= v3.0, but chip is v1.0",
         BOOT_WRONG_CHIP, "board_wrong_chip"},
        /* erased, where the head's 0xFFFF is taken for a chip */
        {ESP32 FROM_ROM ENTRY "E (75) esp_image: image at 0x100000 has invalid magic byte\r\n"
                              "E (76) boot_comm: mismatch chip ID, expected 0, found 65535\r\n"
                              "E (80) boot: No bootable app partitions in the partition table\r\n",
         BOOT_NO_APP, "board_no_app"},
        /* another one is there */
        {ESP32 FROM_ROM ENTRY "E (75) boot_comm: mismatch chip ID, expected 0, found 5\r\n"
                              "I (90) boot: Loaded app from partition at offset 0x280000\r\n",
         BOOT_RUNS, ""},
        {ESP32 FROM_ROM ENTRY CRASH, BOOT_CRASH, "board_crash"},
        {ESP32 FROM_ROM ENTRY "abort() was called at PC 0x400d2b3f on core 0\r\n", BOOT_CRASH,
         "board_crash"},
        /* once may happen; the start after it counts, as soon as there is something of it */
        {ESP32 FROM_ROM ENTRY CRASH ESP32 SOFTWARE, BOOT_CRASH, "board_crash"},
        {ESP32 FROM_ROM ENTRY CRASH ESP32 SOFTWARE ENTRY, BOOT_RUNS, ""},
        {ESP32 FROM_ROM ENTRY CRASH ESP32 SOFTWARE ENTRY CRASH ESP32 SOFTWARE ENTRY, BOOT_CRASH,
         "board_crash"},
        /* a loader may be left through a watchdog */
        {WATCHDOG ENTRY, BOOT_RUNS, ""},
        {WATCHDOG ENTRY WATCHDOG ENTRY, BOOT_LOOP, "board_boot_loop"},
        {ESP32 FROM_ROM ENTRY ESP32 SOFTWARE ENTRY, BOOT_RUNS, ""},
        {ESP32 FROM_ROM ENTRY ESP32 SOFTWARE ENTRY ESP32 SOFTWARE ENTRY, BOOT_LOOP,
         "board_boot_loop"},
        {ESP32 FROM_ROM ENTRY "Brownout detector was triggered\r\n\r\n" ESP32 SOFTWARE ENTRY,
         BOOT_BROWNOUT, "board_brownout"},
        {ESP32 "rst:0xf (RTCWDT_BROWN_OUT_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n" ENTRY,
         BOOT_BROWNOUT, "board_brownout"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const uint8_t *t = (const uint8_t *)cases[i].text;
        size_t n = strlen(cases[i].text);
        enum boot boot = diagnose_boot(t, n);
        if (boot != cases[i].boot) fail_msg("%s: %d", cases[i].text, (int)boot);
        enum err e = diagnose_boot_failure(boot, t, n, "ttyUSB7");
        assert_int_equal(e == ERR_OK, boot <= BOOT_RUNS);
        if (!e) continue;
        assert_string_equal(err_last()->code, cases[i].code);
        assert_non_null(strstr(err_last()->detail, "ttyUSB7"));
        assert_true(strlen(err_last()->hint) > 20);
    }
}

/* What has come so far is judged again and again: no end of it may be misread. */
static void any_beginning_can_be_judged(void **state)
{
    (void)state;
    static const char text[] = C3 FROM_ROM ENTRY "I (31) boot: ESP-IDF\r\n" CRASH WATCHDOG ENTRY;
    for (size_t n = 0; n < sizeof text; n++) {
        char *exact = malloc(n ? n : 1); /* so that a read behind its end is seen */
        assert_non_null(exact);
        memcpy(exact, text, n);
        diagnose_boot((uint8_t *)exact, n);
        diagnose_loader_ready((uint8_t *)exact, n);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boot_texts_are_told_apart),
        cmocka_unit_test(each_failure_names_its_cause),
        cmocka_unit_test(an_echo_alone_is_a_bridge),
        cmocka_unit_test(a_board_with_nothing_to_run_is_told_about_both),
        cmocka_unit_test(each_boot_is_judged),
        cmocka_unit_test(any_beginning_can_be_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
