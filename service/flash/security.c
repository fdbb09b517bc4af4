#include "service/flash/security.h"

#include "service/flash/fields.h"

enum { FLAG_SECURE_BOOT = 1 };

/* Each switch on or off burns one more bit of the count. */
static bool is_encrypting(uint32_t crypt_count)
{
    bool odd = false;
    for (; crypt_count; crypt_count &= crypt_count - 1)
        odd = !odd;
    return odd;
}

static enum err from_fuses(struct rom *r, const struct chip *chip, struct flasher_security *sec)
{
    struct fields f = {.rom = r};
    sec->crypt_count = (uint8_t)fields_get(&f, chip->crypt_count);
    sec->secure_boot = fields_get(&f, chip->secure_boot) != 0;
    return f.error;
}

static enum err from_info(struct rom *r, struct flasher_security *sec)
{
    struct rom_security_info info;
    enum err e = rom_security_info(r, &info);
    if (e) return e;
    sec->flags = info.flags;
    sec->crypt_count = info.crypt_count;
    sec->secure_boot = (info.flags & FLAG_SECURE_BOOT) != 0;
    return ERR_OK;
}

/* The ESP32 has fuses only; so have loaders that do not know the command though others of their
 * chip do. */
static enum err read_once(struct rom *r, const struct chip *chip, struct flasher_security *sec)
{
    enum err e = chip->info_bytes ? from_info(r, sec) : ERR_UNSUPPORTED;
    if (rom_is_unsupported(r, e)) e = from_fuses(r, chip, sec);
    sec->flash_encryption = is_encrypting(sec->crypt_count);
    return e;
}

enum err security_read(struct rom *r, const struct chip *chip, struct flasher_security *sec)
{
    struct flasher_security first = *sec, second = *sec;
    enum err e = read_once(r, chip, &first);
    if (!e) e = read_once(r, chip, &second);
    if (e) return err_wrap(e, "read security state");
    if (first.flags != second.flags || first.crypt_count != second.crypt_count ||
        first.secure_boot != second.secure_boot)
        return err_set(ERR_PROTOCOL, "two reads of the security state differ");
    first.known = true;
    *sec = first;
    return ERR_OK;
}

static enum err refuse_encrypted(const struct flasher_security *sec)
{
    return err_fail(
        ERR_UNSUPPORTED, "flash_encrypted",
        "A credential can go through the board's own firmware, which encrypts what it stores "
        "(method \"at\"). Anything else has to come from whoever holds the key of this board, or "
        "use a board without flash encryption.",
        "Flash encryption is on (its fuse counts 0x%02x): the chip decrypts all that it reads, so "
        "what is written plain becomes noise to it and the board does not start any more. Nothing "
        "was written.",
        sec->crypt_count);
}

static enum err refuse_secure_boot(void)
{
    return err_fail(
        ERR_UNSUPPORTED, "secure_boot",
        "A credential can go through the board's own firmware (method \"at\"). Firmware has to be "
        "signed and installed the way the owner of the key does it, or use a board without secure "
        "boot.",
        "Secure boot is on: the chip starts nothing that is not signed with its owner's key, so "
        "that a firmware written here would leave the board dead. Nothing was written.");
}

static enum err refuse_unverified(void)
{
    return err_fail(
        ERR_UNSUPPORTED, "secure_download",
        "To write all the same, say \"allow_unverified\": true, and \"flash_bytes\" when its flash "
        "is not of 4 MB. A credential can also go through the board's own firmware (method "
        "\"at\"), which reads it back.",
        "The loader of this board is in secure download mode: it writes, but reads nothing and "
        "checks nothing, so that nobody can tell whether the flash is right. Nothing was written.");
}

enum err security_check_write(const struct flasher_security *sec,
                              const struct flasher_options *options)
{
    if (sec->flash_encryption && !options->force_plain) return refuse_encrypted(sec);
    if (sec->secure_boot && !options->force_plain) return refuse_secure_boot();
    if (sec->secure_download && !options->allow_unverified) return refuse_unverified();
    return ERR_OK;
}

enum err security_check_read(const struct flasher_security *sec)
{
    if (!sec->secure_download) return ERR_OK;
    return err_fail(ERR_UNSUPPORTED, "secure_download",
                    "Nothing can be read from this board through its loader. Ask its firmware "
                    "through an AT port instead.",
                    "The loader of this board is in secure download mode: it does not read its "
                    "flash, neither the bytes nor their MD5.");
}
