"""Who the messages come from."""

from pydantic import BaseModel, ConfigDict, EmailStr, Field, field_validator


class Sender(BaseModel):
    """Name and address, and the postal address that the law wants in each message."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    name: str = Field(min_length=1, max_length=80)
    email: EmailStr = Field(description="kept in ASCII, an international domain as xn--...")
    postal_address: str = Field(min_length=1, max_length=300)

    @field_validator("email")
    @classmethod
    def _as_ses_takes_it(cls, address: str) -> str:
        """SES supports no characters beyond ASCII before the @, and behind it the domain in Punycode alone:
        https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_Destination.html. So EmailStr's form is undone, which
        shows the domain's own letters."""
        if address.isascii():
            return address
        from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 (slow to load)

        try:
            ascii_form = validate_email(address, check_deliverability=False, allow_smtputf8=False).ascii_email
        except EmailNotValidError:
            ascii_form = None
        if ascii_form is None:
            raise ValueError("has letters before the @ that SES does not send from: expected a to z, digits and .-_+")
        return ascii_form
