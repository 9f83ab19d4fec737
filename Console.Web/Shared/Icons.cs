namespace Quarterdeck.Web.Shared;

/// <summary>The paths of the console's own line icons (24 px grid, stroked).</summary>
public static class Icons
{
    private static readonly Dictionary<string, string> Paths = new()
    {
        ["overview"] = "M4 4h7v7H4zM13 4h7v4h-7zM13 11h7v9h-7zM4 14h7v6H4z",
        ["host"] = "M4 4h16v7H4zM4 13h16v7H4zM8 7.5h.01M8 16.5h.01M12 7.5h4M12 16.5h4",
        ["vm"] = "M3 5h18v11H3zM9 20h6M12 16v4M10 8.5l4 2-4 2z",
        ["plugin"] = "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
        ["appliance"] = "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
        ["operation"] = "M4 6h10M4 12h16M4 18h7M18 4v4M15 16v4",
        ["audit"] = "M6 3h9l4 4v14H6zM15 3v4h4M9 12h7M9 16h5",
        ["user"] = "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c1-4 4-5.5 7.5-5.5s6.5 1.5 7.5 5.5",
        ["users"] = "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.8-3.5 3.2-5 6.5-5s5.7 1.5 6.5 5M15.5 4.5a3.3 3.3 0 0 1 0 6.2M17.5 14.8c2.2.6 3.5 2.1 4 4.7",
        ["token"] = "M14.5 9.5a5 5 0 1 0-4 4.9L12 13v-1.5h1.5zM10.5 14.4L4 21M8 17l2 2M8 8h.01",
        ["settings"] = "M5 7h8M17 7h2M5 17h2M11 17h8M15 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM9 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z",
        ["disk"] = "M4 6c0-1.7 3.6-3 8-3s8 1.3 8 3-3.6 3-8 3-8-1.3-8-3zM4 6v12c0 1.7 3.6 3 8 3s8-1.3 8-3V6M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3",
        ["shield"] = "M12 3l7.5 3v5.5c0 4.5-3 8-7.5 9.5-4.5-1.5-7.5-5-7.5-9.5V6zM8.5 12l2.5 2.5 4.5-4.5",
        ["network"] = "M12 9V4M12 9l-6 6M12 9l6 6M3 15h6v5H3zM15 15h6v5h-6zM9.5 4h5",
        ["snapshot"] = "M4 7h4l1.5-2.5h5L16 7h4v12H4zM12 16a3.2 3.2 0 1 0 0-6.4 3.2 3.2 0 0 0 0 6.4z",
        ["console"] = "M3 5h18v14H3zM7 9.5l3 2.5-3 2.5M12.5 15H17",
        ["play"] = "M7 5l12 7-12 7z",
        ["stop"] = "M6.5 6.5h11v11h-11z",
        ["pause"] = "M8.5 5v14M15.5 5v14",
        ["power"] = "M12 3v8M7 6.2a8 8 0 1 0 10 0",
        ["restart"] = "M20 12a8 8 0 1 1-2.5-5.8M20 3v4.5h-4.5",
        ["trash"] = "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
        ["edit"] = "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
        ["add"] = "M12 5v14M5 12h14",
        ["more"] = "M6 12h.01M12 12h.01M18 12h.01",
        ["close"] = "M6 6l12 12M18 6L6 18",
        ["check"] = "M5 12.5l4.5 4.5L19 7.5",
        ["menu"] = "M4 7h16M4 12h16M4 17h16",
        ["search"] = "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.5",
        ["filter"] = "M4 6h16M7 12h10M10 18h4",
        ["columns"] = "M4 5h16v14H4zM10 5v14M15 5v14",
        ["sort-up"] = "M12 18V6M7 11l5-5 5 5",
        ["sort-down"] = "M12 6v12M7 13l5 5 5-5",
        ["chevron-right"] = "M9.5 6l6 6-6 6",
        ["chevron-left"] = "M14.5 6l-6 6 6 6",
        ["chevron-down"] = "M6 9.5l6 6 6-6",
        ["copy"] = "M9 9h11v11H9zM5 15H4V4h11v1",
        ["external"] = "M13 4h7v7M20 4l-9 9M17 14v6H4V7h6",
        ["upload"] = "M12 16V5M7 9.5L12 4.5l5 5M4 16v4h16v-4",
        ["download"] = "M12 4.5v11M7 11l5 5 5-5M4 17v3h16v-3",
        ["theme"] = "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
        ["lock"] = "M5 11h14v9H5zM8 11V8a4 4 0 0 1 8 0v3",
        ["sign-out"] = "M14 4H5v16h9M10 12h11M17 8l4 4-4 4",
        ["unplugged"] = "M3 3l18 18M5 12.5a10 10 0 0 1 4-2.3M19 12.5a10 10 0 0 0-5-2.6M8.5 16a5.2 5.2 0 0 1 6.5-.6M2.5 9a14 14 0 0 1 4.2-2.7M21.5 9A14 14 0 0 0 11 5M12 19.5h.01",
        ["alert"] = "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7.5v5.5M12 16.5h.01",
        ["info"] = "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5.5M12 7.5h.01",
        ["warning"] = "M12 4l9 16H3zM12 10v4.5M12 17.3h.01",
        ["book"] = "M5 4h11a3 3 0 0 1 3 3v13H8a3 3 0 0 1-3-3zM5 17a3 3 0 0 1 3-3h11M9 8h6",
        ["tag"] = "M4 4h8l8 8-8 8-8-8zM8.5 8.5h.01",
        ["worker"] = "M13 3L5 14h6l-1 7 8-11h-6z",
        ["globe"] = "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
        ["processor"] = "M7 7h10v10H7zM10 3v4M14 3v4M10 17v4M14 17v4M3 10h4M3 14h4M17 10h4M17 14h4",
        ["clock"] = "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
        ["folder"] = "M3 6h6l2 2.5h10V19H3z",
        ["file"] = "M6 3h8l4 4v14H6zM14 3v4h4",
        ["link"] = "M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
    };

    /// <summary>The path of an icon; an unknown name shows a small dot rather than failing the page (a test finds such names).</summary>
    public static string Path(string name) => Paths.GetValueOrDefault(name, "M12 12h.01");

    /// <summary>All names, for tests and the pattern page.</summary>
    public static IReadOnlyCollection<string> Names => Paths.Keys;
}
