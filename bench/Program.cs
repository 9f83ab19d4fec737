Console.Error.WriteLine("usage: bench/run.sh NAME");
return 2;
