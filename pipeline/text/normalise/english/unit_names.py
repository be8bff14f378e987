"""English names of units: what is written -> one, many; and what may stand after "per"."""

from __future__ import annotations

__all__ = ["PER", "UNITS"]

# unit -> (one, many). A unit that is also a word ("in", "as") or a letter is decided by `units._fits`.
UNITS: dict[str, tuple[str, str]] = {}


def _add(one: str, many: str, *written: str) -> None:
    for each in written:
        UNITS[each] = (one, many)


for _prefix, _name in (
    ("", ""),
    ("k", "kilo"),
    ("c", "centi"),
    ("m", "milli"),
    ("n", "nano"),
    ("µ", "micro"),
    ("μ", "micro"),
):
    _add(f"{_name}meter", f"{_name}meters", f"{_prefix}m")
    _add(
        f"square {_name}meter",
        f"square {_name}meters",
        f"{_prefix}m²",
        f"{_prefix}m^2",
        f"{_prefix}m2",
        f"sq {_prefix}m",
    )
    _add(f"cubic {_name}meter", f"cubic {_name}meters", f"{_prefix}m³", f"{_prefix}m^3", f"{_prefix}m3")
for _prefix, _name in (
    ("", ""),
    ("k", "kilo"),
    ("m", "milli"),
    ("µ", "micro"),
    ("μ", "micro"),
    ("n", "nano"),
):
    _add(f"{_name}gram", f"{_name}grams", f"{_prefix}g")
    _add(f"{_name}second", f"{_name}seconds", f"{_prefix}s")
for _prefix, _name in (("", ""), ("m", "milli"), ("c", "centi"), ("d", "deci"), ("µ", "micro")):
    _add(f"{_name}liter", f"{_name}liters", f"{_prefix}L", f"{_prefix}l")
for _prefix, _name in (
    ("k", "kilo"),
    ("K", "kilo"),
    ("M", "mega"),
    ("G", "giga"),
    ("T", "tera"),
    ("P", "peta"),
):
    _add(f"{_name}byte", f"{_name}bytes", f"{_prefix}B")
    _add(f"{_name}bit", f"{_name}bits", f"{_prefix}b", f"{_prefix}bit")
    _add(
        f"{_name}bit per second",
        f"{_name}bits per second",
        f"{_prefix}bps",
        f"{_prefix}bit/s",
        f"{_prefix}b/s",
    )
for _prefix, _name in (("K", "kibi"), ("M", "mebi"), ("G", "gibi"), ("T", "tebi")):
    _add(f"{_name}byte", f"{_name}bytes", f"{_prefix}iB")
for _prefix, _name in (("", ""), ("k", "kilo"), ("M", "mega"), ("G", "giga"), ("T", "tera")):
    _add(f"{_name}hertz", f"{_name}hertz", f"{_prefix}Hz")
    _add(f"{_name}watt", f"{_name}watts", f"{_prefix}W")
    _add(f"{_name}watt hour", f"{_name}watt hours", f"{_prefix}Wh")
_add("milliwatt", "milliwatts", "mW")
for _prefix, _name in (("", ""), ("m", "milli"), ("k", "kilo")):
    _add(f"{_name}volt", f"{_name}volts", f"{_prefix}V")
    _add(f"{_name}amp", f"{_name}amps", f"{_prefix}A")
    _add(f"{_name}ohm", f"{_name}ohms", f"{_prefix}Ω", f"{_prefix}Ω")
_add("megaohm", "megaohms", "MΩ")
_add("milliamp hour", "milliamp hours", "mAh")
_add("amp hour", "amp hours", "Ah")
_add("joule", "joules", "J")
_add("kilojoule", "kilojoules", "kJ")
_add("megajoule", "megajoules", "MJ")
_add("newton", "newtons", "N")
_add("newton meter", "newton meters", "Nm", "N·m")
_add("pascal", "pascals", "Pa")
_add("kilopascal", "kilopascals", "kPa")
_add("hectopascal", "hectopascals", "hPa")
_add("megapascal", "megapascals", "MPa")
_add("inch", "inches", "in", "in.", "″")
_add("square inch", "square inches", "sq in", "in²", "sq. in.")
_add("cubic inch", "cubic inches", "in³", "cu in")
_add("foot", "feet", "ft", "ft.", "′")
_add("square foot", "square feet", "sq ft", "sq. ft.", "sq. ft", "ft²", "ft^2", "sqft")
_add("cubic foot", "cubic feet", "cu ft", "ft³")
_add("yard", "yards", "yd", "yd.", "yds")
_add("mile", "miles", "mi", "mi.")
_add("square mile", "square miles", "sq mi", "mi²")
_add("hectare", "hectares", "ha")
_add("ton", "tons", "t")
_add("pound", "pounds", "lb", "lbs", "lb.", "lbs.")
_add("ounce", "ounces", "oz", "oz.")
_add("fluid ounce", "fluid ounces", "fl oz", "fl. oz.")
_add("microgram", "micrograms", "mcg")
_add("gallon", "gallons", "gal", "gal.")
_add("quart", "quarts", "qt", "qt.")
_add("teaspoon", "teaspoons", "tsp", "tsp.")
_add("tablespoon", "tablespoons", "tbsp", "tbsp.", "Tbsp")
_add("cubic centimeter", "cubic centimeters", "cc")
_add("mile per hour", "miles per hour", "mph", "MPH", "mi/h")
_add("kilometer per hour", "kilometers per hour", "km/h", "kph", "kmh", "km/hr", "KPH")
_add("mile per gallon", "miles per gallon", "mpg", "MPG")
_add("knot", "knots", "kn", "kt", "kts")
_add("meter per second squared", "meters per second squared", "m/s²", "m/s^2")
_add("foot per second", "feet per second", "fps²")
_add("frame per second", "frames per second", "fps", "FPS")
_add("revolution per minute", "revolutions per minute", "rpm", "RPM")
_add("beat per minute", "beats per minute", "bpm", "BPM")
_add("minute", "minutes", "min", "min.", "mins", "mins.")
_add("second", "seconds", "sec", "sec.", "secs", "secs.")
_add("hour", "hours", "h", "hr", "hrs", "hr.", "hrs.")
_add("week", "weeks", "wk", "wks")
_add("month", "months", "mo", "mos")
_add("year", "years", "yr", "yrs", "yr.", "yrs.")
_add("calorie", "calories", "cal")
_add("kilocalorie", "kilocalories", "kcal")
_add("decibel", "decibels", "dB")
_add("horsepower", "horsepower", "hp", "HP")
_add("pound per square inch", "pounds per square inch", "psi", "PSI")
_add("part per million", "parts per million", "ppm")
_add("part per billion", "parts per billion", "ppb")
_add("pixel", "pixels", "px")
_add("megapixel", "megapixels", "MP")
_add("dot per inch", "dots per inch", "dpi", "DPI")
_add("pixel per inch", "pixels per inch", "ppi", "PPI")
_add("lumen", "lumens", "lm")
_add("atmosphere", "atmospheres", "atm")
_add("bar", "bar", "bar")
_add("millimeter of mercury", "millimeters of mercury", "mmHg")
_add("millibar", "millibars", "mbar", "mb")
_add("mole", "moles", "mol")
_add("kelvin", "kelvin", "K")
_add("light year", "light years", "ly")
_add("electronvolt", "electronvolts", "eV")
_add("degree Celsius", "degrees Celsius", "°C", "℃", "° C", "ºC")
_add("degree Fahrenheit", "degrees Fahrenheit", "°F", "℉", "° F", "ºF")
_add("degree", "degrees", "°", "º")
_add("percent", "percent", "%", "pct")
_add("per mille", "per mille", "‰")
_add("percentage point", "percentage points", "pp")
_add("basis point", "basis points", "bps", "bp")

PER = {
    "s": "second",
    "h": "hour",
    "hr": "hour",
    "d": "day",
    "day": "day",
    "min": "minute",
    "yr": "year",
    "mo": "month",
}
PER |= {
    "week": "week",
    "month": "month",
    "year": "year",
    "hour": "hour",
    "person": "person",
    "serving": "serving",
}
PER |= {
    unit: UNITS[unit][0]
    for unit in (
        "L",
        "mL",
        "ml",
        "dL",
        "kg",
        "g",
        "mg",
        "m²",
        "m³",
        "cm²",
        "cm³",
        "km",
        "lb",
        "mi",
        "m",
        "gal",
    )
}
PER |= {
    "100 km": "one hundred kilometers",
    "100km": "one hundred kilometers",
    "100 g": "one hundred grams",
    "100g": "one hundred grams",
}
