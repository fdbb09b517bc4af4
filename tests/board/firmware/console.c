/* console: what a booting board prints on UART0 behind the ROM's own first lines: the ROM loading
 * the bootloader, the bootloader with the partition table it really found, the application. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/board/firmware/firmware.h"

static unsigned uptime_ms(const struct firmware *fw)
{
    return (unsigned)((loop_now_ns() - fw->started_ns) / 1000000);
}

static void send_text(struct firmware *fw, const char *text)
{
    uart_send(fw->env.log, text, strlen(text));
}

void console_print(struct firmware *fw, const char *format, ...)
{
    char text[256];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    send_text(fw, text);
}

/* One line of the log library: level, time, tag. */
static void log_line(struct firmware *fw, char level, const char *tag, const char *text)
{
    bool colour = fw->version->colour;
    const char *on = level == 'E' ? "\x1b[0;31m" : "\x1b[0;32m";
    console_print(fw, "%s%c (%u) %s: %s%s\r\n", colour ? on : "", level, uptime_ms(fw), tag, text,
                  colour ? "\x1b[0m" : "");
}

void console_error(struct firmware *fw, const char *tag, const char *text)
{
    log_line(fw, 'E', tag, text);
}

static void boot_line(struct firmware *fw, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static void boot_line(struct firmware *fw, const char *format, ...)
{
    char text[128];
    va_list ap;
    va_start(ap, format);
    vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    log_line(fw, 'I', "boot", text);
}

static const char *usage_of(const struct partition *p)
{
    if (p->type == PARTITION_APP) {
        if (p->subtype == 0) return "factory app";
        return p->subtype >= 0x10 && p->subtype < 0x20 ? "OTA app" : "Unknown app";
    }
    if (p->type != PARTITION_DATA) return "unknown";
    switch (p->subtype) {
    case PARTITION_DATA_OTA:
        return "OTA data";
    case 0x01:
        return "RF data";
    case PARTITION_DATA_NVS:
        return "WiFi data";
    default:
        return "Unknown data";
    }
}

static void print_table(struct firmware *fw)
{
    boot_line(fw, "Partition Table:");
    boot_line(fw, "## Label            Usage          Type ST Offset   Length");
    for (size_t i = 0; i < fw->primary.count; i++) {
        const struct partition *p = &fw->primary.v[i];
        boot_line(fw, "%2zu %-16s %-16s %02x %02x %08x %08x", i, p->name, usage_of(p), p->type,
                  p->subtype, (unsigned)p->at, (unsigned)p->size);
    }
    boot_line(fw, "End of partition table");
}

static void print_bootloader(struct firmware *fw)
{
    send_text(fw, fw->version->rom_load);
    boot_line(fw, "ESP-IDF %s 2nd stage bootloader", fw->version->idf);
    boot_line(fw, "compile time %s", fw->version->compiled);
    boot_line(fw, "Enabling RNG early entropy source...");
    boot_line(fw, "SPI Speed      : 40MHz");
    boot_line(fw, "SPI Mode       : DIO");
    boot_line(fw, "SPI Flash Size : %uMB", (unsigned)(flash_size(fw->env.flash) >> 20));
}

void console_boot(struct firmware *fw)
{
    print_bootloader(fw);
    print_table(fw);
    for (const char *const *s = fw->version->segments; *s; s++)
        log_line(fw, 'I', "esp_image", *s);
    const struct partition *app = partition_typed(&fw->primary, PARTITION_APP, 0x10);
    if (!app) app = partition_typed(&fw->primary, PARTITION_APP, 0);
    boot_line(fw, "Loaded app from partition at offset 0x%x", app ? (unsigned)app->at : 0);
    boot_line(fw, "Disabling RNG early entropy source...");
}

void console_no_app(struct firmware *fw, bool table_found)
{
    print_bootloader(fw);
    if (table_found) {
        print_table(fw);
        log_line(fw, 'E', "boot", "No bootable app partitions in the partition table");
    } else {
        log_line(fw, 'E', "boot", "load partition table error!");
    }
}

/* Fields of version.start: %v version, %m module, %p transmit power, %u UART, %b its speed,
 * %t %r %c %s its pins. */
static void put_field(struct firmware *fw, char field)
{
    const struct factory_param *f = &fw->factory;
    switch (field) {
    case 'v':
        console_print(fw, "%s", fw->version->bin);
        break;
    case 'm':
        console_print(fw, "%s", f->module);
        break;
    case 'p':
        console_print(fw, "%d", f->tx_power);
        break;
    case 'u':
        console_print(fw, "%u", f->uart_port);
        break;
    case 'b':
        console_print(fw, "%u", (unsigned)f->baud);
        break;
    case 't':
        console_print(fw, "%d", f->tx);
        break;
    case 'r':
        console_print(fw, "%d", f->rx);
        break;
    case 'c':
        console_print(fw, "%d", f->cts);
        break;
    case 's':
        console_print(fw, "%d", f->rts);
        break;
    default:
        break;
    }
}

void console_start(struct firmware *fw)
{
    for (const char *const *line = fw->version->start; *line; line++) {
        for (const char *p = *line; *p; p++) {
            if (*p == '%')
                put_field(fw, *++p);
            else
                uart_send(fw->env.log, p, 1);
        }
    }
}
