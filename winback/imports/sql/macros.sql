-- Macros shared by every import: text of a file -> typed value, NULL when it is not one.

-- Surrounding spaces are not content; an empty field is a missing one.
-- Trimming is dear, and rarely needed.
CREATE OR REPLACE TEMP MACRO cleaned(field) AS
nullif(CASE WHEN contains(field, ' ') THEN trim(field) ELSE field END, '');

-- The other spellings of a date and time, as a cast to TIMESTAMPTZ takes them: the basic form of ISO 8601 (20260102T030405Z),
-- hours alone (2026-01-02T03Z), and a space before the offset (2026-01-02 03:04:05 -0500, as Shopify exports it).
CREATE OR REPLACE TEMP MACRO spelled_out(field) AS
regexp_replace(
    regexp_replace(
        regexp_replace(
            regexp_replace(
                regexp_replace(field, '^([0-9]{4})([0-9]{2})([0-9]{2})([T ].*)$', '\1-\2-\3\4'),
                '^(.{10}[T ][0-9]{2})([0-9]{2})([0-9]{2}.*)$', '\1:\2:\3'
            ),
            '^(.{10}[T ][0-9]{2})([0-9]{2})([^0-9].*)?$', '\1:\2\3'
        ),
        '^(.{10}[T ][0-9]{2})(Z| ?[+-].*)?$', '\1:00\2'
    ),
    ' (Z|[+-][0-9]{2}(:?[0-9]{2})?)$', '\1'
);

-- NULL for an offset beyond those there are, 14 hours. What is before the time has no offset.
CREATE OR REPLACE TEMP MACRO with_possible_offset(field) AS
CASE WHEN NOT regexp_matches(substr(field, 11), '[+-](1[5-9]|[2-9][0-9]|14[0-9:]*[1-9]|[0-9]{2}:?[6-9])') THEN field END;

-- ISO 8601 date or date and time, with or without offset (without: UTC), or YYYYMMDD. Whole seconds, UTC.
-- Needs the session's TimeZone to be UTC: a cast to TIMESTAMP would ignore the offset.
-- The patterns keep out what a cast would take beside ISO 8601, such as `epoch`, `infinity` and 2026-1-1; the first ones are
-- the spellings that need no rewriting, which is dear.
CREATE OR REPLACE TEMP MACRO instant_of(field) AS
CASE
    WHEN field LIKE '____-__-__' OR field LIKE '____-__-__T__:__:__Z' OR field LIKE '____-__-__ __:__:__'
        THEN make_timestamp(epoch_us(TRY_CAST(field AS TIMESTAMPTZ)) // 1000000 * 1000000)
    WHEN regexp_full_match(field, '[0-9]{8}') THEN try_strptime(field, '%Y%m%d')
    WHEN field LIKE '____-__-__%' OR regexp_matches(field, '^[0-9]{8}[T ][0-9]{2}')
        THEN make_timestamp(epoch_us(TRY_CAST(with_possible_offset(spelled_out(field)) AS TIMESTAMPTZ)) // 1000000 * 1000000)
END;

-- A decimal number in thousandths of its unit (no currency has a smaller minor unit), below 10^12 units.
-- Binary floating point numbers are rounded when they are within a millionth of a thousandth's multiple.
CREATE OR REPLACE TEMP MACRO thousandths_of(field, approximate) AS
CASE
    WHEN regexp_full_match(field, '[+-]?([0-9]{1,12}([.][0-9]{0,3}0*)?|[.][0-9]{1,3}0*)')
        THEN CAST(CAST(field AS DECIMAL(18, 3)) * 1000 AS BIGINT)
    WHEN
        (approximate AND regexp_full_match(field, '[+-]?[0-9]*[.]?[0-9]+'))
        OR regexp_full_match(field, '[+-]?[0-9]+([.][0-9]*)?[eE][+-]?[0-9]{1,2}')
        THEN
            CASE
                WHEN
                    abs(TRY_CAST(field AS DOUBLE)) < 1e12
                    AND abs(TRY_CAST(field AS DOUBLE) - round(TRY_CAST(field AS DOUBLE), 3)) <= 1e-6
                    THEN CAST(round(TRY_CAST(field AS DOUBLE) * 1000) AS BIGINT)
            END
END;

-- The codes that a field lists: text with commas or semicolons between them, or a JSON list of texts, or of objects with a
-- `code`. Trimmed, each once, in the order of their bytes. NULL: an empty field, or one that is no such list.
CREATE OR REPLACE TEMP MACRO listed_codes(field) AS
CASE
    WHEN starts_with(field, '[')
        THEN list_transform(
            TRY_CAST(field AS JSON[]),
            lambda item: CASE json_type(item)
                WHEN 'OBJECT' THEN trim(json_extract_string(item, '$.code'))
                WHEN 'VARCHAR' THEN trim(json_extract_string(item, '$'))
            END
        )
    WHEN NOT starts_with(field, '{') THEN list_transform(regexp_split_to_array(field, '[,;]'), lambda code: trim(code))
END;

CREATE OR REPLACE TEMP MACRO codes_of(field) AS
CASE
    WHEN len(list_filter(listed_codes(field), lambda code: code IS NULL)) = 0
        THEN list_sort(list_distinct(list_filter(listed_codes(field), lambda code: code <> '')))
END;

-- Why `thousandths_of` or the currency's decimals refused the number.
CREATE OR REPLACE TEMP MACRO number_problem(field) AS
CASE
    WHEN NOT coalesce(isfinite(TRY_CAST(replace(field, '_', '?') AS DOUBLE)), FALSE) THEN 'not a number'
    WHEN abs(TRY_CAST(field AS DOUBLE)) >= 1e12 THEN 'out of range'
    ELSE 'too many decimals'
END;

CREATE OR REPLACE TEMP MACRO has_control_characters(field) AS regexp_matches(field, '[\x00-\x1f\x7f]');
