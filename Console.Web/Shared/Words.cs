using System.Globalization;

namespace Quarterdeck.Web.Shared;

/// <summary>Numbers, sizes and times as people read them; one place, so that all pages agree.</summary>
public static class Words
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>A size in binary units with at most three digits, such as <c>1.8 GiB</c>.</summary>
    /// <param name="bytes">Bytes; negative values keep their sign.</param>
    public static string Bytes(long bytes)
    {
        double value = Math.Abs((double)bytes);
        var unit = 0;
        while (value >= 1024 && unit < Units.Length - 1) { value /= 1024; unit++; }
        var digits = unit == 0 || value >= 100 ? "0" : value >= 10 ? "0.#" : "0.##";
        // 1023.7 MiB would be rounded to 1024 MiB
        if (unit < Units.Length - 1 && Math.Round(value) >= 1024) { value = 1; unit++; }
        return (bytes < 0 ? "-" : "") + value.ToString(digits, CultureInfo.InvariantCulture) + " " + Units[unit];
    }

    /// <summary>Two sizes in the larger one's unit: <c>1.1 of 1.8 GiB</c>.</summary>
    public static string BytesOf(long done, long total)
    {
        var all = Bytes(total);
        var unit = all[(all.IndexOf(' ') + 1)..];
        var value = done / Math.Pow(1024, Array.IndexOf(Units, unit));
        return $"{value.ToString(unit == "B" || value >= 100 ? "0" : "0.#", CultureInfo.InvariantCulture)} of {all}";
    }

    /// <summary>A number with thousands separators: <c>1,240</c>.</summary>
    public static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>How long ago, or until when: <c>just now</c>, <c>14 s ago</c>, <c>3 min ago</c>, <c>in 2 h</c>, <c>5 d ago</c>, then the date. shell.js has the same rule.</summary>
    public static string Ago(DateTimeOffset at, DateTimeOffset now)
    {
        var seconds = (long)Math.Round((now - at).TotalSeconds);
        var span = Math.Abs(seconds);
        if (span < 5) return "just now";
        var words = span switch
        {
            < 60 => $"{span} s",
            < 3600 => $"{span / 60} min",
            < 86400 => $"{span / 3600} h",
            < 30 * 86400 => $"{span / 86400} d",
            _ => null,
        };
        if (words is null) return at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return seconds >= 0 ? words + " ago" : "in " + words;
    }

    /// <summary>A length of time: <c>12 ms</c>, <c>0.4 s</c>, <c>14 s</c>, <c>3 min 05 s</c>, <c>2 h 10 min</c>, <c>3 d 4 h</c>.</summary>
    public static string Duration(TimeSpan time) => time.TotalSeconds switch
    {
        <= 0 => "0 s",
        < 0.1 => Math.Ceiling(time.TotalMilliseconds).ToString("0", CultureInfo.InvariantCulture) + " ms",
        < 10 => time.TotalSeconds.ToString("0.#", CultureInfo.InvariantCulture) + " s",
        < 60 => $"{(int)time.TotalSeconds} s",
        < 3600 => $"{(int)time.TotalMinutes} min {time.Seconds:00} s",
        < 86400 => $"{(int)time.TotalHours} h {time.Minutes:00} min",
        _ => $"{(int)time.TotalDays} d {time.Hours} h",
    };
}
