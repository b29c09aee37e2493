"""The Bank of England's daily spot exchange rates into sterling: series code -> currency, its units for one pound.

Codes of https://www.bankofengland.co.uk/boeapps/database/Rates.asp?into=GBP; codes of other series (rates into dollars
and euros, effective exchange rate indices, interest rates) are not of this list.
"""

STERLING_SERIES = {
    "XUDLADS": "AUD",
    "XUDLBK25": "CZK",
    "XUDLBK33": "HUF",
    "XUDLBK47": "PLN",
    "XUDLBK78": "ILS",
    "XUDLBK83": "MYR",
    "XUDLBK85": "RUB",
    "XUDLBK87": "THB",
    "XUDLBK89": "CNY",
    "XUDLBK93": "KRW",
    "XUDLBK95": "TRY",
    "XUDLBK97": "INR",
    "XUDLCDS": "CAD",
    "XUDLDKS": "DKK",
    "XUDLERS": "EUR",
    "XUDLHDS": "HKD",
    "XUDLJYS": "JPY",
    "XUDLNDS": "NZD",
    "XUDLNKS": "NOK",
    "XUDLSFS": "CHF",
    "XUDLSGS": "SGD",
    "XUDLSKS": "SEK",
    "XUDLSRS": "SAR",
    "XUDLTWS": "TWD",
    "XUDLUSS": "USD",
    "XUDLZOS4": "RON",
    "XUDLZRS": "ZAR",
}
